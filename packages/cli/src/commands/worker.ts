/** `textower worker`: shards from a queue, until it is interrupted. */
import { once } from "node:events";
import { describeRun, openEncoder, remarks } from "../encoder.js";
import { flush, write } from "../io.js";
import type { Io } from "../io.js";
import type { EncoderTextOptions, ModelOptions, RunOptions } from "../options.js";
import { jsonLine } from "../output/jsonl.js";
import { Progress } from "../progress.js";
import { loadQueue, queueOptions } from "../queue.js";
import type { QueueFlags } from "../queue.js";
import { textIdentity } from "../text-identity.js";

/** Options of `worker`. */
export interface WorkerCommandOptions extends ModelOptions, RunOptions, EncoderTextOptions, QueueFlags {
  readonly lockSeconds: number;
  readonly format: "table" | "jsonl";
}

/** Runs the command. Resolves after the first Ctrl-C, when the shard that it was at is finished. */
export async function worker(options: WorkerCommandOptions, io: Io): Promise<void> {
  const { startShardWorker } = await loadQueue();
  const queue = queueOptions(options, io);
  const progress = new Progress(io);
  const opened = await openEncoder(options, progress, io);
  try {
    const say = (line: string, record: object): Promise<void> =>
      write(io.stdout, options.format === "jsonl" ? jsonLine(record) : `${line}\n`);
    const working = await startShardWorker(opened.encoder, {
      ...queue,
      identity: await textIdentity(options),
      lockSeconds: options.lockSeconds,
      onShard({ directory, shard, error }) {
        const outcome = error === undefined ? "done" : `failed: ${error.message}`;
        const record = { directory, shard, ...(error !== undefined && { error: error.message }) };
        say(`${directory}, shard ${shard} ${outcome}`, record).catch(() => undefined); // nobody listens
      },
    });
    const run = [describeRun(options.model, opened.encoder.info), ...remarks(opened)].join("\n");
    await say(`${run}\nwaiting for shards in ${options.queue}`, { waiting: options.queue });
    if (io.signal !== undefined && !io.signal.aborted) await once(io.signal, "abort");
    await working.close();
    await flush(io.stdout);
  } finally {
    await opened.encoder.dispose();
  }
}
