/** Finished shards become the output, in one pass, with ids and columns of the input where the format has a place. */
import { createVectorWriter, openVectorFile, VectorFileError } from "@textower/vector-files";
import type { ColumnDeclaration, VectorBatch, VectorFormat } from "@textower/vector-files";
import type { CaptionFile } from "./captions/caption-file.js";
import { writeDurably } from "./durable-file.js";
import { BulkError } from "./errors.js";
import { fileSink } from "./file-sink.js";
import { finishedShards, shardPath } from "./manifest.js";
import type { Manifest } from "./manifest.js";
import { captionsOf } from "./plan.js";

/** What the output holds beside the vectors. */
export interface OutputColumns {
  /** Column of the vectors. */
  readonly vectors: string;
  /** Column of the input that holds the ids; undefined: none. */
  readonly ids: string | undefined;
  /** Columns of the input that come along. */
  readonly columns: readonly ColumnDeclaration[];
}

/**
 * Writes the output, which appears when it is whole. The shards stay. Until then it lies in the directory `scratch`.
 * @param onRows - called with the number of vectors written since it was called last
 * Rejects with BulkError `incomplete` or `bad-shard`, or what reading and writing reject with.
 */
export async function assemble(
  file: CaptionFile,
  manifest: Manifest,
  job: {
    readonly directory: string;
    readonly output: string;
    readonly format: VectorFormat;
    readonly beside: OutputColumns;
    readonly scratch: string;
  },
  options: { readonly signal?: AbortSignal | undefined; readonly onRows?: (rows: number) => void } = {},
): Promise<void> {
  const { plan, encoder, options: made } = manifest;
  const { directory, output, format, beside, scratch } = job;
  const finished = new Set(await finishedShards(directory));
  const missing = plan.shards.filter((_, shard) => !finished.has(shard)).length;
  if (missing > 0) {
    throw new BulkError(
      "incomplete",
      `${directory}: expected ${plan.shards.length} shards, got ${plan.shards.length - missing}`,
    );
  }
  const carries = format === "parquet" || format === "jsonl";
  await writeDurably(
    output,
    async (handle) => {
      const writer = await createVectorWriter(format, fileSink(handle), {
        dimension: encoder.embedDim,
        count: plan.rows,
        vectors: format === "safetensors" ? undefined : beside.vectors,
        ids: beside.ids,
        columns: beside.columns,
        description: { checkpoint: encoder.checkpoint, normalized: String(made.normalize) },
      });
      for (const [shard, planned] of plan.shards.entries()) {
        const captions = captionsOf(file, planned, made.empty, options.signal);
        for await (const batch of shardBatches(
          directory,
          shard,
          planned.rows,
          encoder.embedDim,
          options.signal,
        )) {
          await writer.write(carries ? await withColumns(batch, captions, beside) : batch);
          options.onRows?.(batch.count);
        }
        await captions.return();
      }
      await writer.finish();
    },
    scratch,
  );
}

async function* shardBatches(
  directory: string,
  shard: number,
  rows: number,
  dimension: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<VectorBatch, void, undefined> {
  const path = shardPath(directory, shard);
  const bad = (got: string, cause?: unknown): BulkError =>
    new BulkError(
      "bad-shard",
      `${path}: expected ${rows} vectors of ${dimension} numbers, got ${got}; remove it`,
      { cause },
    );
  try {
    const vectors = await openVectorFile(path, { format: "npy" });
    try {
      if (vectors.count !== rows || vectors.dimension !== dimension) {
        throw bad(`${vectors.count} of ${vectors.dimension}`);
      }
      yield* vectors.batches({ signal });
    } finally {
      await vectors.close();
    }
  } catch (error) {
    if (error instanceof VectorFileError) throw bad(`a damaged file (${error.message})`, error);
    throw error;
  }
}

async function withColumns(
  batch: VectorBatch,
  captions: AsyncGenerator<{ readonly fields: Readonly<Record<string, unknown>>; readonly where: string }>,
  { ids, columns }: OutputColumns,
): Promise<VectorBatch> {
  const idValues: string[] = [];
  const metadata: Record<string, unknown>[] = [];
  for (let row = 0; row < batch.count; row++) {
    const { value } = await captions.next();
    const { fields, where } = value as { fields: Record<string, unknown>; where: string };
    if (ids !== undefined) idValues.push(idOf(fields[ids], ids, where));
    metadata.push(Object.fromEntries(columns.map(({ name }) => [name, fields[name] ?? null])));
  }
  return { ...batch, ...(ids !== undefined && { ids: idValues }), metadata };
}

function idOf(id: unknown, column: string, where: string): string {
  if (typeof id === "string" || typeof id === "number") return String(id);
  throw new BulkError(
    "bad-input",
    `${where}: expected a string or number as ${column}, got ${id === null ? "null" : typeof id}`,
  );
}
