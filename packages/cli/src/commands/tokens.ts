/** `textower tokens`: the ids and pieces of prompts, and where a model would have to cut. No weights are read. */
import { createTokenizer } from "@textower/tokenizer";
import type { Tokenizer } from "@textower/tokenizer";
import { inspectCheckpoint } from "@textower/weights";
import { tokenizerOptions } from "../encoder.js";
import { openPrompts } from "../input.js";
import type { Io } from "../io.js";
import { locate } from "../model.js";
import type { CheckpointFlags, TextOptions } from "../options.js";
import { openDestination } from "../output/destination.js";
import { jsonLine } from "../output/jsonl.js";
import { quote } from "../output/quote.js";
import { table } from "../output/table.js";
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
      const encoding = tokenizer.encode(text, { contextLength: Infinity });
      const ids = [...encoding.ids];
      await destination.write(
        format === "jsonl"
          ? jsonLine({ text, ids, endOfText: encoding.endOfText })
          : describe(text, ids, tokenizer, context),
      );
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

/** A line a token: its place, its id, its piece. */
function describe(text: string, ids: readonly number[], tokenizer: Tokenizer, context: number): string {
  const pieces = tokenizer.pieces(ids);
  const rows = ids.map((id, place) => [place, id, pieces[place]!] as const);
  const excess = ids.length - context;
  const count =
    excess > 0 ? `${ids.length} tokens, ${excess} more than the ${context} that fit` : `${ids.length} tokens`;
  const heading = `${quote(text)}\n  ${count}\n`;
  const lines = table(rows, "  ");
  if (excess <= 0) return `${heading}${lines}\n`;
  // Of a text that is cut, the last place holds end of text.
  const kept = lines.split("\n");
  kept.splice(
    context - 1,
    0,
    `  ---- --long-text truncate cuts here, and ends with ${tokenizer.endOfText.content}`,
  );
  return `${heading}${kept.join("\n")}\n`;
}
