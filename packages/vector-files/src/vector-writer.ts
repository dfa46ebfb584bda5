/**
 * `VectorWriter`: batches of vectors in, the bytes of a file out, in whichever format. Nothing is kept but what a row
 * group of Parquet needs.
 *
 * Not here: where the bytes go.
 */
import { VectorFileError } from "./errors.js";
import type { VectorBatch } from "./vector-file.js";

/** Takes the bytes of a file, in order. */
export interface ByteSink {
  /** Resolves when more may come. The bytes are the writer's again then. */
  write(bytes: Uint8Array): Promise<void>;
  /** Writes over the first bytes once more. Needed for npy and safetensors where `count` is not known at first. */
  overwriteStart?(bytes: Uint8Array): Promise<void>;
}

/** How values of a column are stored. `string`: other values are written as JSON. */
export type ColumnType = "string" | "int64" | "double" | "boolean";

/** A column beside vectors and ids, for Parquet. */
export interface ColumnDeclaration {
  readonly name: string;
  readonly type: ColumnType;
}

/** What is known of a file before its first vector. */
export interface WriterOptions {
  /** Numbers of a vector. */
  readonly dimension: number;
  /** Vectors that will come, if that is known. */
  readonly count?: number | undefined;
  /** What vectors are called: a Parquet column, a JSON field, a tensor. Default "embedding", for a tensor "embeddings". */
  readonly vectors?: string | undefined;
  /** The ids' column or field in Parquet and JSON Lines; without it no ids are written. */
  readonly ids?: string | undefined;
  /** Metadata to be written: the columns of Parquet; JSON Lines writes all fields of the metadata it is given. */
  readonly columns?: readonly ColumnDeclaration[] | undefined;
  /** What the file says of itself, where the format has a place: safetensors and Parquet. */
  readonly description?: Readonly<Record<string, string>> | undefined;
}

/** Writes one file. */
export interface VectorWriter {
  /** Rejects with VectorFileError `bad-batch` before anything of the batch is written, or as the sink. */
  write(batch: VectorBatch): Promise<void>;
  /** Writes what belongs at the end. Rejects with VectorFileError `bad-batch` if not `count` vectors have come. */
  finish(): Promise<void>;
}

/** @throws VectorFileError `bad-batch` */
export function checkedBatch(
  who: string,
  { count, dimension, data, ids, metadata }: VectorBatch,
  expected: number,
): void {
  const bad = (what: string, got: unknown): VectorFileError =>
    new VectorFileError("bad-batch", `${who}: expected ${what}, got ${String(got)}`);
  if (dimension !== expected) throw bad(`vectors of ${expected} numbers`, dimension);
  if (data.length !== count * dimension) throw bad(`${count} × ${dimension} numbers`, data.length);
  if (ids !== undefined && ids.length !== count) throw bad(`${count} ids`, ids.length);
  if (metadata !== undefined && metadata.length !== count)
    throw bad(`metadata of ${count} rows`, metadata.length);
}

/**
 * The writer of a format that is a header with the number of rows, and the rows.
 * @param header - the header of a file of so many rows: as long for any number if `count` is unknown
 */
export function headedWriter(
  who: string,
  sink: ByteSink,
  { dimension, count }: Pick<WriterOptions, "dimension" | "count">,
  header: (rows: number) => Uint8Array,
): VectorWriter {
  const bad = (expected: string, got: string): VectorFileError =>
    new VectorFileError("bad-batch", `${who}: expected ${expected}, got ${got}`);
  let written = 0;
  let begun: Promise<void> | undefined;
  const begin = (): Promise<void> => (begun ??= sink.write(header(count ?? 0)));
  return {
    async write(batch) {
      checkedBatch(who, batch, dimension);
      const { data } = batch;
      await begin();
      await sink.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      written += batch.count;
    },
    async finish() {
      await begin();
      if (count === written || (count === undefined && written === 0)) return;
      if (count !== undefined) throw bad(`${count} vectors, as was said at first`, String(written));
      if (sink.overwriteStart === undefined) throw bad("count, or a sink with overwriteStart", "neither");
      await sink.overwriteStart(header(written));
    },
  };
}
