/** `similarityMatrix`: how prompts compare with one another, as numbers, for a heat map, and as text. */
import { similarity } from "textower";
import type { Vector } from "textower";
import { quote } from "./quote.js";

/** Cosines of everything with everything. Plain data. */
export interface SimilarityMatrix {
  /** One a row, and one a column. */
  readonly labels: readonly string[];
  /** −1 … 1; symmetric, and 1 on the diagonal. Row-major. [labels, labels] */
  readonly values: Float32Array;
  /**
   * Least and greatest value off the diagonal: the ends of a colour scale. Cosines of one model's texts lie close together, so
   * that a scale from −1 to 1 would show one colour. [1, 1] where there are no two labels.
   */
  readonly range: readonly [least: number, greatest: number];
}

/**
 * @param embeddings - of one width; their lengths do not matter
 * @param labels - one an embedding, such as the prompts
 * @throws RangeError for another number of labels, embeddings of different widths or without length
 * @example
 * const { embeddings } = await encoder.encode(prompts);
 * const matrix = similarityMatrix(embeddings, prompts);
 */
export function similarityMatrix(embeddings: readonly Vector[], labels: readonly string[]): SimilarityMatrix {
  const count = embeddings.length;
  if (labels.length !== count) {
    throw new RangeError(`similarityMatrix: expected ${count} labels, got ${labels.length}`);
  }
  const values = new Float32Array(count * count); // [labels, labels]
  similarity(embeddings, embeddings).forEach((row, i) => values.set(row, i * count));
  let [least, greatest] = [Infinity, -Infinity];
  values.forEach((value, at) => {
    if (at % (count + 1) === 0) return; // the diagonal
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  });
  return { labels: [...labels], values, range: count > 1 ? [least, greatest] : [1, 1] };
}

/** From far to near. */
const SHADES = [" ", "░", "▒", "▓", "█"];

/**
 * The matrix for a terminal: numbers with a shade each, from the least value to the greatest, and the labels in full below
 * their numbers.
 */
export function renderSimilarityMatrix({
  labels,
  values,
  range: [least, greatest],
}: SimilarityMatrix): string {
  const count = labels.length;
  const shade = (value: number): string => {
    const share = greatest > least ? (value - least) / (greatest - least) : 1;
    return SHADES[Math.min(SHADES.length - 1, Math.floor(share * SHADES.length))]!;
  };
  const width = Math.max(6, String(count).length);
  const heads = labels.map((_, i) => String(i + 1).padStart(width + 1)).join(" ");
  const indent = String(count).length;
  const lines = labels.map((label, row) => {
    const cells = labels.map((_, column) => {
      const value = values[row * count + column]!;
      return `${value.toFixed(3).padStart(width)}${shade(value)}`;
    });
    return `${String(row + 1).padStart(indent)} ${cells.join(" ")}  ${quote(label)}\n`;
  });
  return `${" ".repeat(indent)} ${heads}\n${lines.join("")}`;
}
