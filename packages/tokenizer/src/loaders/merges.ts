// What the file readers share: merges as text → merges as ids, with every id checked.

import { END_OF_WORD, symbolsByByte } from "../byte-symbols.js";
import { VocabularyError } from "../errors.js";
import type { Vocabulary } from "../vocabulary.js";

/** Left and right symbol of a merge. */
export type SymbolPair = readonly [left: string, right: string];

/** The heap packs rank and position into one float64; 2²⁰ is far above any byte-pair vocabulary. */
const MOST_MERGES = 2 ** 20;

/** Ids index a token embedding; more rows than this no checkpoint has. */
const MOST_IDS = 2 ** 24;

/** Lines of "left right" → pairs. @throws VocabularyError naming the line */
export function parseMerges(lines: readonly unknown[], who: string): SymbolPair[] {
  return lines.map((line, index) => {
    const parts = typeof line === "string" ? line.replace(/\r$/, "").split(" ") : line;
    if (
      !Array.isArray(parts) ||
      parts.length !== 2 ||
      !parts.every((part) => typeof part === "string" && part !== "")
    ) {
      const shown = JSON.stringify(line)?.slice(0, 60);
      throw new VocabularyError(`${who}: expected merge ${index} as two symbols, got ${shown}`);
    }
    return [parts[0] as string, parts[1] as string];
  });
}

/** Pairs of symbols → ids. @throws VocabularyError for a symbol that has none */
export function resolveMerges(
  pairs: readonly SymbolPair[],
  ids: ReadonlyMap<string, number>,
  who: string,
): Pick<Vocabulary, "left" | "right" | "result"> {
  if (pairs.length > MOST_MERGES) {
    throw new VocabularyError(`${who}: expected at most ${MOST_MERGES} merges, got ${pairs.length}`);
  }
  const left = new Int32Array(pairs.length);
  const right = new Int32Array(pairs.length);
  const result = new Int32Array(pairs.length);
  const idOf = (symbol: string, rank: number): number => {
    const id = ids.get(symbol);
    if (id === undefined) {
      throw new VocabularyError(
        `${who}: expected an id for ${JSON.stringify(symbol.slice(0, 60))} of merge ${rank}, got none`,
      );
    }
    return id;
  };
  for (const [rank, [a, b]] of pairs.entries()) {
    left[rank] = idOf(a, rank);
    right[rank] = idOf(b, rank);
    result[rank] = idOf(a + b, rank);
  }
  return { left, right, result };
}

/** The `vocab` object of a JSON file → ids by piece. @throws VocabularyError if it is not an object of distinct ids */
export function readIds(vocab: unknown, who: string): Map<string, number> {
  if (typeof vocab !== "object" || vocab === null || Array.isArray(vocab)) {
    throw new VocabularyError(
      `${who}: expected an object of ids by piece, got ${JSON.stringify(vocab)?.slice(0, 60)}`,
    );
  }
  const ids = new Map<string, number>();
  const seen = new Set<number>();
  for (const [piece, id] of Object.entries(vocab)) {
    if (!isId(id) || seen.has(id)) {
      const shown = JSON.stringify(id)?.slice(0, 60);
      throw new VocabularyError(
        `${who}: expected an id of its own for ${JSON.stringify(piece.slice(0, 60))}, got ${shown}`,
      );
    }
    ids.set(piece, id);
    seen.add(id);
  }
  return ids;
}

/** Whether a value can index a token embedding. */
export function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < MOST_IDS;
}

/** [512] Ids of the byte symbols. @throws VocabularyError if one is missing */
export function byteIdsFrom(ids: ReadonlyMap<string, number>, who: string): Int32Array {
  const byteIds = new Int32Array(512);
  for (const [byte, symbol] of symbolsByByte().entries()) {
    for (const [at, piece] of [
      [byte, symbol],
      [256 + byte, symbol + END_OF_WORD],
    ] as const) {
      const id = ids.get(piece);
      if (id === undefined) {
        throw new VocabularyError(
          `${who}: expected the byte symbol ${JSON.stringify(piece)}, got a vocabulary without it`,
        );
      }
      byteIds[at] = id;
    }
  }
  return byteIds;
}

/** JSON text or a value already parsed → the value. @throws VocabularyError */
export function parseJson(json: unknown, who: string): unknown {
  if (typeof json !== "string") return json;
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    throw new VocabularyError(`${who}: expected JSON, got text that is none`, { cause });
  }
}
