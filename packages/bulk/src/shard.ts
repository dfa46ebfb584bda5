/** One shard: its captions in, a file of its vectors out, which appears when it is whole. Doing it twice is harmless. */
import { createVectorWriter } from "@textower/vector-files";
import type { Caption, CaptionFile } from "./captions/caption-file.js";
import { writeDurably } from "./durable-file.js";
import type { BulkEncoder } from "./encoder.js";
import { tooLongIndex } from "./encoder.js";
import { BulkError } from "./errors.js";
import { fileSink } from "./file-sink.js";
import type { Manifest } from "./manifest.js";
import { shardPath } from "./manifest.js";
import { captionsOf } from "./plan.js";

/** Captions that are encoded together: enough to share beginnings and fill runs, few enough to hold in memory. */
const BATCH_CAPTIONS = 1024;

/**
 * Encodes a shard.
 * @param onRows - called with the number of vectors made since it was called last
 * Rejects with BulkError `bad-input` for a text that is too long, or what reading, encoding and writing reject with.
 */
export async function embedShard(
  encoder: BulkEncoder,
  file: CaptionFile,
  manifest: Manifest,
  job: { readonly directory: string; readonly shard: number },
  options: { readonly signal?: AbortSignal | undefined; readonly onRows?: (rows: number) => void } = {},
): Promise<void> {
  const { signal, onRows } = options;
  const planned = manifest.plan.shards[job.shard]!;
  const dimension = manifest.encoder.embedDim;
  await writeDurably(shardPath(job.directory, job.shard), async (handle) => {
    const writer = await createVectorWriter("npy", fileSink(handle), { dimension, count: planned.rows });
    for await (const batch of batches(captionsOf(file, planned, manifest.options.empty, signal))) {
      signal?.throwIfAborted();
      const data = await encode(encoder, batch, manifest, signal);
      await writer.write({ count: batch.length, dimension, data });
      onRows?.(batch.length);
    }
    await writer.finish();
  });
}

async function encode(
  encoder: BulkEncoder,
  batch: readonly Caption[],
  { longText, options: { normalize } }: Manifest,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  try {
    const texts = batch.map(({ text }) => text);
    const options = { normalize, longText, ...(signal !== undefined && { signal }) };
    return (await encoder.encode(texts, options)).data;
  } catch (cause) {
    const index = tooLongIndex(cause);
    if (index === undefined) throw cause;
    const { message } = cause as Error;
    throw new BulkError("bad-input", `${batch[index]!.where}: ${message}`, { cause });
  }
}

async function* batches(captions: AsyncIterable<Caption>): AsyncGenerator<Caption[], void, undefined> {
  let batch: Caption[] = [];
  for await (const caption of captions) {
    if (batch.push(caption) < BATCH_CAPTIONS) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
