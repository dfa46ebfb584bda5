/** `textower encode`: prompts in, embeddings out, in order and with bounded memory. */
import type { ClipTextEncoder } from "textower";
import { describeRun, openEncoder, remarks } from "../encoder.js";
import type { OpenedEncoder } from "../encoder.js";
import { UsageError } from "../errors.js";
import { encodePrompts } from "../encode-prompts.js";
import { openGallery } from "../gallery.js";
import { openPrompts } from "../input.js";
import type { InputPrompt, PromptSource } from "../input.js";
import type { Io } from "../io.js";
import { longTextOptions } from "../options.js";
import type { LongTextFlags, ModelOptions, RunOptions, TextOptions } from "../options.js";
import { openDestination } from "../output/destination.js";
import type { Destination } from "../output/destination.js";
import { jsonlFormat, npyFormat, tableFormat } from "../output/encode-formats.js";
import type { EncodeFormat } from "../output/encode-formats.js";
import { Progress } from "../progress.js";

/** Options of `encode`. */
export interface EncodeOptions extends ModelOptions, RunOptions, TextOptions, LongTextFlags {
  readonly normalize: boolean;
  readonly format: "table" | "jsonl" | "npy";
  readonly output?: string;
}

/** Prompts that are encoded together: enough to share beginnings and fill runs, few enough to hold in memory. */
const BATCH_PROMPTS = 1024;

/** Runs the command. Rejects with whatever goes wrong; a file that is not complete is not left behind. */
export async function encode(args: readonly string[], options: EncodeOptions, io: Io): Promise<void> {
  const { format, output } = options;
  if (format === "npy" && output === undefined && io.stdout.isTTY) {
    throw new UsageError("--format npy: expected --output FILE or a pipe, got a terminal");
  }
  const source = await openPrompts(args, options, io);
  const progress = new Progress(io);
  const opened = await openEncoder(options, progress, io);
  try {
    const destination = await openDestination(io, output, { seekable: format === "npy" });
    try {
      const sayRun = format !== "table" && io.stderr.isTTY === true;
      if (sayRun) io.stderr.write(`${heading(opened, options).join("\n")}\n`);
      const writer = await openFormat(opened, options, destination);
      await encodeAll(source, opened.encoder, options, { writer, destination, progress, io });
      await writer.end();
      await destination.commit();
    } finally {
      progress.hide();
      await destination.discard();
    }
  } finally {
    await opened.encoder.dispose();
  }
}

function heading(opened: OpenedEncoder, { model }: EncodeOptions): string[] {
  return [describeRun(model, opened.encoder.info), ...remarks(opened)];
}

async function openFormat(
  opened: OpenedEncoder,
  options: EncodeOptions,
  destination: Destination,
): Promise<EncodeFormat> {
  const { format, model } = options;
  switch (format) {
    case "jsonl":
      return jsonlFormat(destination);
    case "npy":
      return npyFormat(destination, opened.encoder.info.embedDim);
    case "table": {
      // Only this model shares its space with the gallery's pictures.
      const gallery = model === "shapes" ? await openGallery() : undefined;
      return tableFormat(destination, heading(opened, options), gallery);
    }
    default:
      return format satisfies never;
  }
}

async function encodeAll(
  source: PromptSource,
  encoder: ClipTextEncoder,
  options: EncodeOptions,
  {
    writer,
    destination,
    progress,
    io,
  }: { writer: EncodeFormat; destination: Destination; progress: Progress; io: Io },
): Promise<void> {
  const { signal } = io;
  let finished = 0;
  for await (const batch of batches(source.prompts)) {
    const { prompts } = await encodePrompts(encoder, batch, {
      normalize: options.normalize,
      ...longTextOptions(options),
      ...(signal === undefined ? {} : { signal }),
      onProgress: ({ done }) => progress.show("prompts", finished + done, source.total()),
    });
    if (destination.isTerminal) progress.hide();
    if (finished === 0) await writer.begin(); // not earlier: nothing is written if the first prompts are bad
    finished += batch.length;
    for (const [i, { text }] of batch.entries()) {
      await writer.add({ text, ...prompts[i]! });
    }
  }
  if (finished === 0) await writer.begin();
}

async function* batches(prompts: AsyncIterable<InputPrompt>): AsyncGenerator<InputPrompt[]> {
  let batch: InputPrompt[] = [];
  for await (const prompt of prompts) {
    if (batch.push(prompt) < BATCH_PROMPTS) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
