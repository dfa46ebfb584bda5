/**
 * `embedOnWorkers`: as `embedFile`, but workers on any machines make the shards. Jobs are delivered at least once; a shard
 * that is made twice is the same file twice, so that nothing is lost and nothing is in the output twice.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Queue } from "bullmq";
import type { EmbedSummary } from "../embed-file.js";
import type { BulkEncoder } from "../encoder.js";
import { BulkError } from "../errors.js";
import { openJob } from "../job.js";
import type { BulkJob, BulkOptions } from "../job.js";
import { ProgressMeter } from "../progress.js";
import { connect, DEFAULT_QUEUE, fromRoot, jobId } from "./connection.js";
import type { QueueOptions, ShardJob } from "./connection.js";

/** Options of `embedOnWorkers`. */
export interface EmbedOnWorkersOptions extends BulkOptions, QueueOptions {
  /** Whether shards stay after the output is whole; default false. */
  readonly keepShards?: boolean | undefined;
}

/** How often a worker may fail at a shard, as for a disk that is full for a moment. */
const ATTEMPTS = 3;
/** Seconds for which jobs that failed can be looked at in Redis. */
const KEEP_FAILED_SECONDS = 86_400;
/** Milliseconds between two looks at the shards, and looks at the shards between two at the queue. */
const LOOK_EVERY = 500;
const LOOKS_PER_QUEUE_LOOK = 6;

/**
 * Queues the shards that are missing, waits for workers, and puts the output together. The encoder says which checkpoint is
 * meant; it encodes one sentence. If this process ends before, workers go on, and the next call goes on from what they made.
 *
 * Rejects with BulkError (`job-failed` with what a worker said, `bad-option` if Redis does not answer), the signal's reason,
 * or as `embedFile`.
 */
export async function embedOnWorkers(
  encoder: BulkEncoder,
  options: EmbedOnWorkersOptions,
): Promise<EmbedSummary> {
  const { root = ".", queue: name = DEFAULT_QUEUE } = options;
  const input = fromRoot(root, options.input); // before the input is looked through
  const job = await openJob(encoder, options);
  try {
    const directory = fromRoot(root, job.directory);
    const missing = await job.missing();
    if (missing.length > 0) {
      const redis = await connect(options.redis);
      const queue = new Queue<ShardJob>(name, { connection: redis });
      queue.on("error", () => undefined); // a connection that is lost comes back
      try {
        const jobOf = (shard: number): ShardJob => ({ directory, input, shard });
        await enqueue(queue, missing.map(jobOf), job.manifest.input.sha256);
        await waitForShards(queue, job, jobOf, options);
      } finally {
        await queue.close();
        redis.disconnect();
      }
    }
    await job.assemble();
    if (options.keepShards !== true) await job.clear();
    const { rows, skipped } = job.manifest.plan;
    return { rows, skipped, computed: job.rowsOf(missing), missingShards: 0, output: options.output };
  } finally {
    await job.close();
  }
}

/** Adds jobs that are not in the queue; ones that failed before are tried again. */
async function enqueue(queue: Queue<ShardJob>, jobs: readonly ShardJob[], sha256: string): Promise<void> {
  const ids = jobs.map((job) => jobId(job, sha256));
  for (const id of ids) {
    const old = await queue.getJob(id);
    if (old !== undefined && (await old.isFailed())) await old.remove();
  }
  await queue.addBulk(
    jobs.map((data, i) => ({
      name: "shard",
      data,
      opts: {
        jobId: ids[i]!,
        attempts: ATTEMPTS,
        backoff: { type: "fixed", delay: 1000 },
        removeOnComplete: true,
        removeOnFail: { age: KEEP_FAILED_SECONDS },
      },
    })),
  );
}

async function waitForShards(
  queue: Queue<ShardJob>,
  job: BulkJob,
  jobOf: (shard: number) => ShardJob,
  { signal, onProgress }: EmbedOnWorkersOptions,
): Promise<void> {
  const { sha256 } = job.manifest.input;
  const { rows } = job.manifest.plan;
  let missing = await job.missing();
  const meter = new ProgressMeter("encoding", rows, rows - job.rowsOf(missing), onProgress);
  for (let look = 1; missing.length > 0; look++) {
    await pause(LOOK_EVERY, undefined, { signal }).catch(() => signal?.throwIfAborted());
    missing = await job.missing();
    meter.show(rows - job.rowsOf(missing));
    if (look % LOOKS_PER_QUEUE_LOOK !== 0) continue;
    const lost: number[] = [];
    for (const shard of missing) {
      const state = await queue.getJob(jobId(jobOf(shard), sha256));
      if (state === undefined) lost.push(shard);
      else if (await state.isFailed()) {
        throw new BulkError(
          "job-failed",
          `shard ${shard}: expected a worker to make it, got: ${state.failedReason}`,
        );
      }
    }
    // Done in this moment, or gone with what Redis has forgotten.
    const stillMissing = new Set(lost.length > 0 ? await job.missing() : []);
    const forgotten = lost.filter((shard) => stillMissing.has(shard));
    if (forgotten.length > 0) await enqueue(queue, forgotten.map(jobOf), sha256);
  }
}
