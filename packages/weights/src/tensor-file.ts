/**
 * `TensorFile`: a file of named tensors, whatever its format. Readers of formats make one; what maps names to a model
 * knows nothing else.
 *
 * Not here: what the tensors mean.
 */
import { tensor } from "@textower/graph";
import type { DType, RowRange, Tensor, TypedArrays } from "@textower/graph";

/** A tensor as it lies in its file. */
export interface TensorEntry {
  /** As safetensors writes it: "F32", "BF16", "I64", … */
  readonly dtype: string;
  /** `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Bytes of its elements. */
  readonly bytes: number;
}

/** A file of named tensors. Nothing but the header is read before it is asked for. */
export interface TensorFile {
  /** "safetensors", "pytorch", "torchscript", "pytorch-legacy". */
  readonly format: string;
  /** For messages. */
  readonly name: string;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** What the file says of itself, such as `format: pt`. Never trusted. */
  readonly metadata: ReadonlyMap<string, string>;
  /**
   * Reads a tensor, or rows of its axis 0, as stored: row-major, little-endian. `into` has exactly the bytes of these
   * rows and belongs to the caller.
   * Rejects with TensorFileError, with what the source of the bytes rejects with, or with the signal's reason.
   */
  readInto(
    name: string,
    into: Uint8Array,
    rows?: RowRange | undefined,
    signal?: AbortSignal | undefined,
  ): Promise<void>;
  /**
   * Says that these tensors will be read whole, once each and about in this order, so that a file whose source is remote
   * fetches ahead, within bounds. Formats that cannot tell where a tensor lies leave it out.
   */
  announce?(names: readonly string[]): void;
  /** Closes the source too. Twice is harmless. */
  close(): Promise<void>;
}

/**
 * Reads that do not fit a file:
 *
 * - `no-such-tensor`: there is none of that name
 * - `bad-rows`: rows outside the tensor, or rows of a scalar
 * - `bad-length`: `into` has not the size of what is to be read
 * - `unsupported-dtype`: no `Tensor` holds elements of this type
 */
export type TensorFileErrorCode = "no-such-tensor" | "bad-rows" | "bad-length" | "unsupported-dtype";

/** A read that does not fit the file. */
export class TensorFileError extends Error {
  override readonly name = "TensorFileError";
  constructor(
    readonly code: TensorFileErrorCode,
    message: string,
  ) {
    super(message);
  }
}

const DTYPES: ReadonlyMap<string, DType> = new Map([
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I8", "int8"],
  ["I32", "int32"],
]);

/** The dtype of a `Tensor` for a stored one ("F32" → "float32"); undefined where there is none, as for "F64". */
export function dtypeOf(stored: string): DType | undefined {
  return DTYPES.get(stored);
}

const ARRAYS: { readonly [D in DType]: new (length: number) => TypedArrays[D] } = {
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  int32: Int32Array,
};

/** A tensor of zeros, and its bytes to read into: no second copy of what is read, and always aligned. */
export function allocate(dtype: DType, shape: readonly number[]): { result: Tensor; bytes: Uint8Array } {
  const data = new ARRAYS[dtype](shape.reduce((product, dimension) => product * dimension, 1));
  return {
    result: tensor(dtype, shape, data),
    bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

/**
 * Checks a range of rows against a shape.
 * @returns the range and the shape of what it covers; all of it where `rows` is absent
 * @throws TensorFileError `bad-rows`
 */
export function rowsOf(
  name: string,
  shape: readonly number[],
  rows: RowRange | undefined,
): { begin: number; end: number; shape: readonly number[] } {
  const count = shape[0] ?? 1;
  if (rows === undefined) return { begin: 0, end: count, shape };
  const { begin, end } = rows;
  const whole = Number.isInteger(begin) && Number.isInteger(end);
  if (!whole || begin < 0 || end < begin || end > count || shape.length === 0) {
    throw new TensorFileError(
      "bad-rows",
      `${name}: expected rows within 0..${count} of shape [${shape.join(", ")}], got ${begin}..${end}`,
    );
  }
  return { begin, end, shape: [end - begin, ...shape.slice(1)] };
}

/**
 * Reads a tensor of a file, or rows of its axis 0, in the dtype it is stored in.
 * @returns a tensor whose array belongs to the caller
 * Rejects as `TensorFile.readInto` does, and with TensorFileError `unsupported-dtype`.
 */
export async function readTensor(
  file: TensorFile,
  name: string,
  rows?: RowRange,
  signal?: AbortSignal,
): Promise<Tensor> {
  const entry = entryOf(file, name);
  const dtype = dtypeOf(entry.dtype);
  if (dtype === undefined) {
    const known = [...DTYPES.keys()].join(", ");
    throw new TensorFileError(
      "unsupported-dtype",
      `${file.name}: ${name}: expected ${known}, got ${entry.dtype}`,
    );
  }
  const { result, bytes } = allocate(dtype, rowsOf(name, entry.shape, rows).shape);
  await file.readInto(name, bytes, rows, signal);
  return result;
}

/** @throws TensorFileError `no-such-tensor` */
export function entryOf(file: TensorFile, name: string): TensorEntry {
  const entry = file.entries.get(name);
  if (entry === undefined) {
    throw new TensorFileError("no-such-tensor", `${file.name}: expected a tensor named ${name}, found none`);
  }
  return entry;
}
