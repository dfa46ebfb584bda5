/** `textower embed`: a file of captions becomes a file of vectors. */
import { embedFile } from "@textower/bulk";
import type {
  BulkOptions,
  BulkProgress,
  CaptionFormat,
  EmbedSummary,
  EmptyTextPolicy,
  LongTextPolicy,
} from "@textower/bulk";
import type { VectorFormat } from "@textower/vector-files";
import { UsageError } from "../errors.js";
import { describeRun, openEncoder, remarks } from "../encoder.js";
import { flush, write } from "../io.js";
import type { Io } from "../io.js";
import type { EncoderTextOptions, ModelOptions, RunOptions } from "../options.js";
import { jsonLine } from "../output/jsonl.js";
import { table } from "../output/table.js";
import { Progress } from "../progress.js";
import { loadQueue, queueOptions } from "../queue.js";
import type { QueueFlags } from "../queue.js";
import { textIdentity } from "../text-identity.js";

/** Options of `embed`. */
export interface EmbedOptions extends ModelOptions, RunOptions, EncoderTextOptions, QueueFlags {
  readonly longText: LongTextPolicy;
  readonly out: string;
  readonly inputFormat?: CaptionFormat;
  readonly outputFormat?: VectorFormat;
  readonly textColumn?: string;
  readonly idColumn?: string;
  readonly columns?: readonly string[];
  readonly vectorColumn: string;
  readonly empty: EmptyTextPolicy;
  readonly normalize: boolean;
  readonly shard?: { readonly index: number; readonly count: number };
  readonly shardSize: number;
  readonly work?: string;
  readonly resume?: boolean;
  readonly keepShards?: boolean;
  readonly format: "table" | "jsonl";
}

/** Runs the command. */
export async function embed(captions: string, options: EmbedOptions, io: Io): Promise<void> {
  const { shard, keepShards, redis } = options;
  if (redis !== undefined && shard !== undefined) {
    throw new UsageError("expected --shard or --redis, got both: workers take shards by themselves");
  }
  const queue = redis === undefined ? undefined : queueOptions(options, io);
  const queued = queue && (await loadQueue());
  const progress = new Progress(io);
  const opened = await openEncoder(options, progress, io);
  try {
    if (io.stderr.isTTY) {
      io.stderr.write(
        `${[describeRun(options.model, opened.encoder.info), ...remarks(opened)].join("\n")}\n`,
      );
    }
    const bulk = await bulkOptions(captions, options, progress, io);
    const summary = queue
      ? await queued!.embedOnWorkers(opened.encoder, { ...bulk, ...queue, keepShards })
      : await embedFile(opened.encoder, { ...bulk, shard, keepShards });
    progress.hide();
    await write(io.stdout, options.format === "jsonl" ? jsonLine(report(summary)) : describe(summary, shard));
    await flush(io.stdout);
  } finally {
    progress.hide();
    await opened.encoder.dispose();
  }
}

async function bulkOptions(
  input: string,
  options: EmbedOptions,
  progress: Progress,
  { signal }: Io,
): Promise<BulkOptions> {
  return {
    input,
    output: options.out,
    inputFormat: options.inputFormat,
    outputFormat: options.outputFormat,
    textColumn: options.textColumn,
    idColumn: options.idColumn,
    columns: options.columns,
    vectorColumn: options.vectorColumn,
    empty: options.empty,
    longText: options.longText,
    normalize: options.normalize,
    shardSize: options.shardSize,
    workDirectory: options.work,
    resume: options.resume,
    identity: await textIdentity(options),
    signal,
    onProgress: (state) => progress.show(state.phase, state.done, state.total, paceOf(state)),
  };
}

/** "1,234/s, 0:05:10 left". */
function paceOf({ rowsPerSecond, secondsLeft }: BulkProgress): string {
  if (rowsPerSecond === 0) return "";
  const rate = `${Math.round(rowsPerSecond).toLocaleString("en")}/s`;
  if (secondsLeft === undefined) return rate;
  const seconds = Math.ceil(secondsLeft);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${rate}, ${parts.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":")} left`;
}

function report({ output, ...rest }: EmbedSummary): object {
  return { ...rest, output: output ?? null };
}

function describe(summary: EmbedSummary, part: EmbedOptions["shard"]): string {
  const { rows, skipped, computed, missingShards, output } = summary;
  const vectors = `${rows} vectors, ${computed} of them computed now${skipped > 0 ? `; ${skipped} empty captions skipped` : ""}`;
  if (output !== undefined)
    return table([
      ["written", output],
      ["", vectors],
    ]);
  const next =
    missingShards === 0 ? "all are there: run without --shard" : `${missingShards} shards are still missing`;
  return table([
    [`part ${part!.index} of ${part!.count}`, vectors],
    ["", next],
  ]);
}
