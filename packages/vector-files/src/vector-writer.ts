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

/** The numbers of a batch as bytes: a view, not a copy. */
export function rowBytes({ data }: VectorBatch): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * At the end of a file whose header holds the number of rows: checks it, or writes the header again.
 * @throws VectorFileError `bad-batch`
 */
export async function settleCount(
  who: string,
  sink: ByteSink,
  announced: number | undefined,
  written: number,
  header: () => Uint8Array,
): Promise<void> {
  if (announced === written) return;
  if (announced !== undefined) {
    throw new VectorFileError(
      "bad-batch",
      `${who}: expected ${announced} vectors, as was said at first, got ${written}`,
    );
  }
  if (sink.overwriteStart === undefined) {
    throw new VectorFileError(
      "bad-batch",
      `${who}: expected count, or a sink with overwriteStart, got neither`,
    );
  }
  await sink.overwriteStart(header());
}
