/** `textower tokens`: the ids and pieces of prompts, and where a model would have to cut. No weights are read. */
import { renderTokenView, tokenView } from "@textower/prompts";
import { createTokenizer } from "@textower/tokenizer";
import { inspectCheckpoint } from "@textower/weights";
import { tokenizerOptions } from "../encoder.js";
import { openPrompts } from "../input.js";
import type { Io } from "../io.js";
import { locate } from "../model.js";
import type { CheckpointFlags, TextOptions } from "../options.js";
import { openDestination } from "../output/destination.js";
import { jsonLine } from "../output/jsonl.js";
import { quote } from "../output/quote.js";
import { Progress } from "../progress.js";

/** Options of `tokens`. */
export interface TokensOptions extends TextOptions, CheckpointFlags {
  readonly model?: string;
  readonly format: "table" | "jsonl";
  readonly output?: string;
}

/** Tokens of every published CLIP: openai/CLIP `clip.py`, `tokenize`. */
const CLIP_CONTEXT_LENGTH = 77;

/** Runs the command. */
export async function tokens(args: readonly string[], options: TokensOptions, io: Io): Promise<void> {
  const { format, output } = options;
  const source = await openPrompts(args, options, io);
  const context = await contextLength(options, io);
  const tokenizer = createTokenizer(await tokenizerOptions(options));
  const destination = await openDestination(io, output, { seekable: false });
  try {
    for await (const { text } of source.prompts) {
      io.signal?.throwIfAborted();
      if (format === "table") {
        const view = tokenView(tokenizer, text, { contextLength: context });
        await destination.write(`${quote(text)}\n${renderTokenView(view)}\n`);
        continue;
      }
      const { ids, endOfText } = tokenizer.encode(text, { contextLength: Infinity });
      await destination.write(jsonLine({ text, ids: [...ids], endOfText }));
    }
    await destination.commit();
  } finally {
    await destination.discard();
  }
}

async function contextLength({ model, ...flags }: TokensOptions, io: Io): Promise<number> {
  if (model === undefined) return CLIP_CONTEXT_LENGTH;
  const progress = new Progress(io);
  try {
    const located = await locate(model, flags, progress, io);
    return (await inspectCheckpoint(located.source, located.options)).descriptor.contextLength;
  } finally {
    progress.hide();
  }
}
