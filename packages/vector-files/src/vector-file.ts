/**
 * `VectorFile`: a file of embeddings, whatever its format, read as a stream of batches. Readers of formats make one.
 *
 * Not here: what the vectors mean, and whether two files are of the same checkpoint.
 */

/** Some vectors of a file, in its order. The arrays are the receiver's. */
export interface VectorBatch {
  /** Vectors in this batch, at least 1. */
  readonly count: number;
  /** Numbers of a vector. */
  readonly dimension: number;
  /** [count, dimension], row-major. */
  readonly data: Float32Array;
  /** [count] What the file calls them, if it does. */
  readonly ids?: readonly string[];
  /** [count] The other columns or fields, if the file has any. Whole numbers beyond 2^53 come as decimal strings. */
  readonly metadata?: readonly Readonly<Record<string, unknown>>[];
}

/** Formats that can be read and written. */
export const VECTOR_FORMATS = ["npy", "safetensors", "parquet", "jsonl"] as const;
/** See `VECTOR_FORMATS`. */
export type VectorFormat = (typeof VECTOR_FORMATS)[number];

/** Options of `batches`. */
export interface BatchOptions {
  /** Most vectors of a batch; default 1024. Batches of very wide vectors hold fewer. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An open file of vectors. Nothing but its header, or its first row, has been read. */
export interface VectorFile {
  readonly format: VectorFormat;
  /** For messages. */
  readonly name: string;
  /** Vectors in the file; undefined where only reading to the end tells, as for JSON Lines. */
  readonly count: number | undefined;
  /** Numbers of a vector; 0 for a file without rows whose format does not say. */
  readonly dimension: number;
  /** How a number is stored: "float16", "bfloat16", "float32", "float64", "json". */
  readonly dtype: string;
  /**
   * The vectors as float32, in the file's order, with memory for a few batches. May be called more than once.
   * @throws VectorFileError, what the source of the bytes rejects with, or the signal's reason; from the iterator
   */
  batches(options?: BatchOptions): AsyncGenerator<VectorBatch, void, undefined>;
  /** Closes what the file was opened from. Twice is harmless. */
  close(): Promise<void>;
}

/** Vectors of a batch, unless told otherwise. */
const BATCH_ROWS = 1024;
/** Numbers of a batch: 16 MiB of float32. */
const BATCH_NUMBERS = 2 ** 22;

/**
 * Rows of a batch.
 * @throws RangeError for a size that is no whole number from 1
 */
export function batchRows({ batchSize = BATCH_ROWS }: BatchOptions, dimension: number): number {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batches: expected batchSize to be a whole number from 1, got ${batchSize}`);
  }
  return Math.max(1, Math.min(batchSize, Math.floor(BATCH_NUMBERS / Math.max(1, dimension))));
}
