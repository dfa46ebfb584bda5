/**
 * What `encode` writes, in each of its formats. A format is told of one prompt at a time and keeps nothing.
 *
 * Not here: where it goes (`destination.ts`).
 */
import { createVectorWriter, shortDecimal } from "@textower/vector-files";
import type { Gallery } from "../gallery.js";
import type { Destination } from "./destination.js";
import { jsonLine } from "./jsonl.js";
import { quote } from "./quote.js";
import { table } from "./table.js";

/** What became of one prompt. */
export interface EncodedPrompt {
  readonly text: string;
  /** Tokens that were encoded, start and end of text of every window included. */
  readonly tokens: number;
  /** Tokens that were cut off. */
  readonly cut: number;
  readonly windows: number;
  /** [embedDim] */
  readonly embedding: Float32Array;
}

/** One of the formats. Called in this order, `add` for each prompt. */
export interface EncodeFormat {
  begin(): Promise<void>;
  add(prompt: EncodedPrompt): Promise<void>;
  end(): Promise<void>;
}

/** `{"text", "tokens", "cut", "windows", "embedding"}` a line. */
export function jsonlFormat(destination: Destination): EncodeFormat {
  return {
    begin: () => Promise.resolve(),
    add: ({ text, tokens, cut, windows, embedding }) =>
      destination.write(
        jsonLine({ text, tokens, cut, windows, embedding: Array.from(embedding, shortDecimal) }),
      ),
    end: () => Promise.resolve(),
  };
}

/** A float32 array [prompts, embedDim]. The number of rows is filled in at the end. */
export async function npyFormat(destination: Destination, embedDim: number): Promise<EncodeFormat> {
  const writer = await createVectorWriter("npy", destination, { dimension: embedDim });
  return {
    begin: () => Promise.resolve(),
    add: ({ embedding }) => writer.write({ count: 1, dimension: embedDim, data: embedding }),
    end: () => writer.finish(),
  };
}

/** Numbers of a vector that the table shows. */
const SHOWN_NUMBERS = 6;
/** Pictures of the gallery that it shows. */
const SHOWN_PICTURES = 3;

/** For people: what it runs on, then a few lines a prompt, with the nearest pictures if there is a gallery. */
export function tableFormat(
  destination: Destination,
  heading: readonly string[],
  gallery: Gallery | undefined,
): EncodeFormat {
  return {
    begin: () => destination.write(heading.map((line) => `# ${line}\n`).join("")),
    async add({ text, tokens, cut, windows, embedding }) {
      const numbers = [...embedding.subarray(0, SHOWN_NUMBERS)].map((value) => value.toFixed(4).padStart(7));
      const more = embedding.length > SHOWN_NUMBERS ? " …" : "";
      const fate = cut > 0 ? `, ${cut} were cut off` : windows > 1 ? ` in ${windows} windows` : "";
      const count = `${tokens} tokens${fate}`;
      let lines = `\n${quote(text)}\n`;
      lines += `  ${count}; ${embedding.length} numbers of length ${length(embedding).toFixed(4)}\n`;
      lines += `  [${numbers.join(" ")}${more}]\n`;
      if (gallery !== undefined) {
        const hits = gallery.nearest(embedding, SHOWN_PICTURES);
        lines += "  nearest pictures\n";
        lines += table(
          hits.map(({ score, entry }) => [score.toFixed(3).padStart(6), entry.file, entry.caption]),
          "  ",
        );
      }
      await destination.write(lines);
    },
    end: () => Promise.resolve(),
  };
}

/** Euclidean. */
function length(vector: Float32Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}
