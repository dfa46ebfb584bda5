/**
 * A matrix of floats that lies in one piece of a file, read some rows at a time.
 *
 * Not here: what stands before it (`npy/`, `safetensors.ts`).
 */
import { float16ToNumber } from "@textower/graph";
import type { ByteSource } from "@textower/weights";
import { checkFinite } from "./errors.js";
import { batchRows } from "./vector-file.js";
import type { BatchOptions, VectorBatch } from "./vector-file.js";

/** How an element is stored. */
export type DenseDtype = "float16" | "bfloat16" | "float32" | "float64";

/** Where a matrix lies, and how. */
export interface DenseMatrix {
  /** Byte of its first element. */
  readonly offset: number;
  readonly count: number;
  readonly dimension: number;
  readonly dtype: DenseDtype;
  readonly bigEndian?: boolean;
  /** Whether columns lie in one piece instead of rows: NumPy's Fortran order. */
  readonly columnMajor?: boolean;
}

/** Bytes of an element. */
export const DENSE_BYTES: Readonly<Record<DenseDtype, number>> = {
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
};

/** Reads of columns that are under way together. */
const COLUMNS_AT_ONCE = 16;

/** @throws as `VectorFile.batches` */
export async function* readDense(
  source: ByteSource,
  matrix: DenseMatrix,
  options: BatchOptions,
): AsyncGenerator<VectorBatch, void, undefined> {
  const { count, dimension } = matrix;
  const rows = batchRows(options, dimension);
  for (let begin = 0; begin < count; begin += rows) {
    options.signal?.throwIfAborted();
    const end = Math.min(count, begin + rows);
    const data = await (matrix.columnMajor ? readColumns : readRows)(
      source,
      matrix,
      begin,
      end,
      options.signal,
    );
    checkFinite(source.name, data, dimension, begin);
    yield { count: end - begin, dimension, data };
  }
}

async function readRows(
  source: ByteSource,
  matrix: DenseMatrix,
  begin: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { offset, dimension, dtype } = matrix;
  const data = new Float32Array((end - begin) * dimension); // [end − begin, dimension]
  const size = DENSE_BYTES[dtype];
  const bytes = isNative(matrix) ? new Uint8Array(data.buffer) : new Uint8Array(data.length * size);
  await source.read(offset + begin * dimension * size, bytes, signal);
  if (!isNative(matrix)) decode(bytes, matrix, data, 0, 1);
  return data;
}

async function readColumns(
  source: ByteSource,
  matrix: DenseMatrix,
  begin: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { offset, count, dimension, dtype } = matrix;
  const data = new Float32Array((end - begin) * dimension); // [end − begin, dimension]
  const size = DENSE_BYTES[dtype];
  const readColumn = async (column: number): Promise<void> => {
    const bytes = new Uint8Array((end - begin) * size);
    await source.read(offset + (column * count + begin) * size, bytes, signal);
    decode(bytes, matrix, data, column, dimension);
  };
  for (let column = 0; column < dimension; column += COLUMNS_AT_ONCE) {
    const some = Array.from({ length: Math.min(COLUMNS_AT_ONCE, dimension - column) }, (_, i) => column + i);
    await Promise.all(some.map(readColumn));
  }
  return data;
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Whether the file's bytes are a Float32Array's. */
function isNative({ dtype, bigEndian = false }: DenseMatrix): boolean {
  return dtype === "float32" && bigEndian !== IS_LITTLE_ENDIAN;
}

/** Elements one after the other, to every `step`th place from `at` on. */
function decode(
  bytes: Uint8Array,
  { dtype, bigEndian = false }: DenseMatrix,
  into: Float32Array,
  at: number,
  step: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = DENSE_BYTES[dtype];
  const read = READ[dtype];
  for (let i = 0; i * size < bytes.length; i++) into[at + i * step] = read(view, i * size, !bigEndian);
}

const bits = new Uint32Array(1);
const number = new Float32Array(bits.buffer);

const READ: Readonly<Record<DenseDtype, (view: DataView, at: number, littleEndian: boolean) => number>> = {
  float16: (view, at, littleEndian) => float16ToNumber(view.getUint16(at, littleEndian)),
  bfloat16(view, at, littleEndian) {
    bits[0] = view.getUint16(at, littleEndian) << 16;
    return number[0]!;
  },
  float32: (view, at, littleEndian) => view.getFloat32(at, littleEndian),
  float64: (view, at, littleEndian) => view.getFloat64(at, littleEndian),
};
