/** A worker: takes one shard after another from the queue, until it is closed. */
import { stat } from "node:fs/promises";
import { fileSource } from "@textower/weights";
import { UnrecoverableError, Worker } from "bullmq";
import { openCaptions } from "../captions/open.js";
import type { BulkEncoder } from "../encoder.js";
import { BulkError } from "../errors.js";
import { encoderDifferences, identify, readManifest, shardPath } from "../manifest.js";
import type { EncoderIdentity } from "../manifest.js";
import { embedShard } from "../shard.js";
import { connect, DEFAULT_QUEUE, toPath } from "./connection.js";
import type { QueueOptions, ShardJob } from "./connection.js";

/** Options of `startShardWorker`. */
export interface WorkerOptions extends QueueOptions {
  /** What distinguishes how this worker's texts become vectors; see `identity` of `embedFile`. */
  readonly identity?: Readonly<Record<string, string>> | undefined;
  /** Seconds without a sign of life after which a worker's job is given to another; default 30. */
  readonly lockSeconds?: number | undefined;
  /** Called for each shard that was made, or failed. */
  readonly onShard?: ((shard: ShardReport) => void) | undefined;
}

/** What became of a job. */
export interface ShardReport {
  /** The work directory, from the root. */
  readonly directory: string;
  readonly shard: number;
  /** Why it failed; undefined if it did not. */
  readonly error: Error | undefined;
}

/** A worker at work. */
export interface ShardWorker {
  /** Finishes the shard that it is at, and takes no further one. */
  close(): Promise<void>;
}

/** How often a shard may lose its worker. */
const MAX_LOSSES = 10;

/**
 * Takes shards from the queue, one at a time. Jobs of another checkpoint, backend or precision fail, and say so.
 * Rejects with BulkError `bad-option` if Redis does not answer, or what the encoder rejects with.
 */
export async function startShardWorker(encoder: BulkEncoder, options: WorkerOptions): Promise<ShardWorker> {
  const { queue = DEFAULT_QUEUE, root = ".", lockSeconds = 30, onShard } = options;
  const identity = await identify(encoder);
  const redis = await connect(options.redis);
  const worker = new Worker<ShardJob>(
    queue,
    async ({ data }) => {
      try {
        await makeShard(encoder, identity, data, root, options.identity ?? {});
      } catch (error) {
        // Another attempt would find the same.
        throw error instanceof BulkError ? new UnrecoverableError(error.message) : error;
      }
    },
    {
      connection: redis,
      concurrency: 1,
      lockDuration: lockSeconds * 1000,
      stalledInterval: lockSeconds * 1000,
      maxStalledCount: MAX_LOSSES,
    },
  );
  worker.on("error", () => undefined); // a connection that is lost comes back
  worker.on("completed", ({ data }) => onShard?.({ ...data, error: undefined }));
  worker.on("failed", (job, error) => job && onShard?.({ ...job.data, error }));
  await worker.waitUntilReady();
  return {
    async close() {
      await worker.close();
      redis.disconnect();
    },
  };
}

/** @throws BulkError for a job that can never be done here, or what reading, encoding and writing reject with */
async function makeShard(
  encoder: BulkEncoder,
  identity: EncoderIdentity,
  job: ShardJob,
  root: string,
  more: Readonly<Record<string, string>>,
): Promise<void> {
  const [directory, input] = [toPath(root, job.directory), toPath(root, job.input)];
  const manifest = await readManifest(directory);
  if (manifest === undefined) {
    // Or the job was done twice, and nobody waits for it any more.
    throw new BulkError(
      "other-job",
      `${job.directory}: expected a work directory in ${root}, got none; do all machines share it?`,
    );
  }
  const differences = encoderDifferences(manifest.encoder, identity);
  if (JSON.stringify(manifest.options.more) !== JSON.stringify(more)) {
    differences.push(
      `${JSON.stringify(manifest.options.more)} was asked for, this worker has ${JSON.stringify(more)}`,
    );
  }
  if (differences.length > 0) {
    throw new BulkError(
      "other-job",
      `${job.directory}: expected a worker like the job's encoder, got another (${differences.join("; ")})`,
    );
  }
  if (manifest.plan.shards[job.shard] === undefined) {
    throw new BulkError(
      "other-job",
      `${job.directory}: expected a shard below ${manifest.plan.shards.length}, got ${job.shard}`,
    );
  }
  if (await stat(shardPath(directory, job.shard)).catch(() => undefined)) return; // done before
  const source = await fileSource(input);
  try {
    if (source.size !== manifest.input.bytes) {
      throw new BulkError(
        "bad-input",
        `${job.input}: expected ${manifest.input.bytes} bytes, got ${source.size}`,
      );
    }
    const captions = await openCaptions(source, manifest.input.format, manifest.options.textColumn);
    await embedShard(encoder, captions, manifest, { directory, shard: job.shard });
  } finally {
    await source.close();
  }
}
