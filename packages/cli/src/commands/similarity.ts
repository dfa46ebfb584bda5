/** `textower similarity`: how prompts compare with one another. */
import { renderSimilarityMatrix, similarityMatrix } from "@textower/prompts";
import { shortDecimal } from "@textower/vector-files";
import { encodePrompts } from "../encode-prompts.js";
import { describeRun, openEncoder, remarks } from "../encoder.js";
import { flush, write } from "../io.js";
import type { Io } from "../io.js";
import { longTextOptions } from "../options.js";
import type { LongTextFlags, ModelOptions, RunOptions, TextOptions } from "../options.js";
import { jsonLine } from "../output/jsonl.js";
import { Progress } from "../progress.js";

/** Options of `similarity`. */
export interface SimilarityOptions
  extends ModelOptions, RunOptions, LongTextFlags, Pick<TextOptions, "cleaning" | "vocabulary"> {
  readonly format: "table" | "jsonl";
}

/** Runs the command. */
export async function similarity(
  texts: readonly string[],
  options: SimilarityOptions,
  io: Io,
): Promise<void> {
  const progress = new Progress(io);
  const opened = await openEncoder(options, progress, io);
  const { encoder } = opened;
  try {
    const prompts = texts.map((text, i) => ({ text, where: `prompt ${i + 1}` }));
    const { embeddings } = await encodePrompts(encoder, prompts, {
      ...longTextOptions(options),
      ...(io.signal !== undefined && { signal: io.signal }),
    });
    const matrix = similarityMatrix(embeddings, texts);
    if (options.format === "table") {
      const about = [describeRun(options.model, encoder.info), ...remarks(opened)];
      await write(io.stdout, about.map((line) => `# ${line}\n`).join(""));
      await write(io.stdout, `\n${renderSimilarityMatrix(matrix)}`);
    } else {
      const count = texts.length;
      for (const [i, text] of texts.entries()) {
        const similarities = Array.from(matrix.values.subarray(i * count, (i + 1) * count), shortDecimal);
        await write(io.stdout, jsonLine({ text, similarities }));
      }
    }
  } finally {
    await encoder.dispose();
  }
  await flush(io.stdout);
}
