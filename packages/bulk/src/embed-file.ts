/** `embedFile`: a file of captions becomes a file of vectors, on this machine; what a kill leaves is gone on with. */
import type { BulkEncoder } from "./encoder.js";
import { BulkError } from "./errors.js";
import { openJob } from "./job.js";
import type { BulkJob, BulkOptions } from "./job.js";
import { ProgressMeter } from "./progress.js";
import { embedShard } from "./shard.js";

/** Options of `embedFile`. */
export interface EmbedFileOptions extends BulkOptions {
  /** Makes only a part of the shards, the `index`th of `count`, counted from 1, and no output. */
  readonly shard?: { readonly index: number; readonly count: number } | undefined;
  /** Whether shards stay after the output is whole; default false. */
  readonly keepShards?: boolean | undefined;
}

/** What `embedFile` did. */
export interface EmbedSummary {
  /** Vectors in all. */
  readonly rows: number;
  /** Empty captions that got none. */
  readonly skipped: number;
  /** Vectors made by this run. */
  readonly computed: number;
  /** Shards that are still missing: 0, unless only a part was asked for. */
  readonly missingShards: number;
  /** Path of the output; undefined if only a part was asked for. */
  readonly output: string | undefined;
}

/**
 * Embeds a file. Its captions are read as they are needed; memory does not grow with it. Vectors come in the captions'
 * order. What was finished before a kill, an error or an abort is not computed again, and the output's bytes are those
 * of a run that nothing has interrupted, on the same kind of machine.
 *
 * Rejects with BulkError, VectorFileError, the signal's reason, or what the encoder and the file system reject with.
 * @example
 * await embedFile(encoder, { input: "captions.csv", output: "vectors.parquet", textColumn: "caption" });
 */
export async function embedFile(encoder: BulkEncoder, options: EmbedFileOptions): Promise<EmbedSummary> {
  const { shard: part } = options;
  checkPart(part);
  const job = await openJob(encoder, options);
  try {
    const missing = await job.missing();
    const mine =
      part === undefined ? missing : missing.filter((shard) => shard % part.count === part.index - 1);
    await embedShards(encoder, job, mine, options);
    const { rows, skipped } = job.manifest.plan;
    const summary = { rows, skipped, computed: job.rowsOf(mine) };
    if (part !== undefined) {
      return { ...summary, missingShards: (await job.missing()).length, output: undefined };
    }
    await job.assemble();
    if (options.keepShards !== true) await job.clear();
    return { ...summary, missingShards: 0, output: options.output };
  } finally {
    await job.close();
  }
}

async function embedShards(
  encoder: BulkEncoder,
  { captions, manifest, directory }: BulkJob,
  shards: readonly number[],
  { shard: part, signal, onProgress }: EmbedFileOptions,
): Promise<void> {
  const rowsOf = (some: readonly number[]): number =>
    some.reduce((sum, shard) => sum + manifest.plan.shards[shard]!.rows, 0);
  const all = manifest.plan.shards.map((_, shard) => shard);
  const total = rowsOf(
    part === undefined ? all : all.filter((shard) => shard % part.count === part.index - 1),
  );
  let done = total - rowsOf(shards);
  const meter = new ProgressMeter("encoding", total, done, onProgress);
  for (const shard of shards) {
    signal?.throwIfAborted();
    await embedShard(
      encoder,
      captions,
      manifest,
      { directory, shard },
      { signal, onRows: (rows) => meter.show((done += rows)) },
    );
  }
}

function checkPart(part: EmbedFileOptions["shard"]): void {
  if (part === undefined) return;
  const { index, count } = part;
  if ([index, count].every((number) => Number.isSafeInteger(number) && number >= 1) && index <= count) return;
  throw new BulkError("bad-option", `embed: expected shard i of n with 1 ≤ i ≤ n, got ${index} of ${count}`);
}
