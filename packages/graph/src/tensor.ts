/**
 * `Tensor`: plain data with a dtype and a shape. It belongs to no runtime, has no methods and owns no device
 * memory; whoever receives one owns its array unless a docstring says otherwise.
 *
 * Not here: arithmetic (that is what backends are for), strides, views, a batch axis.
 */
import { TensorError } from "./errors.js";

/** Element types. The two 16-bit floats are held as raw bits, since JavaScript has no typed array for them. */
export type DType = "float32" | "float16" | "bfloat16" | "int8" | "int32";

/** The typed array that holds each dtype. */
export interface TypedArrays {
  float32: Float32Array;
  /** IEEE 754 binary16, raw bits. */
  float16: Uint16Array;
  /** The upper half of a float32, raw bits. */
  bfloat16: Uint16Array;
  int8: Int8Array;
  int32: Int32Array;
}

interface TensorOf<D extends DType> {
  readonly dtype: D;
  /** Row-major. `[]` is a scalar of one element. */
  readonly shape: readonly number[];
  readonly data: TypedArrays[D];
}

/** An int8 matrix with one scale per row: `value[r, c] = data[r, c] · scales[r]`. */
export interface Int8Tensor extends TensorOf<"int8"> {
  /** [rows], float32. Absent: the integers are meant as they are. */
  readonly scales?: Float32Array;
}

/** Plain n-dimensional data: see the file's head. A union over `dtype`, so that `switch (t.dtype)` narrows `data`. */
export type Tensor =
  | TensorOf<"float32">
  | TensorOf<"float16">
  | TensorOf<"bfloat16">
  | TensorOf<"int32">
  | Int8Tensor;

/** Bytes per element. */
export const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int8: 1,
  int32: 4,
};

const ARRAY_TYPES = {
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  int32: Int32Array,
} as const;

/**
 * Number of elements of a shape: the product of its dimensions, 1 for `[]`.
 * @throws TensorError for a dimension that is not a whole number ≥ 0, or a product beyond 2^53 − 1
 */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) {
    if (!Number.isInteger(dimension) || dimension < 0) {
      throw new TensorError(
        `tensor: expected dimensions that are whole numbers ≥ 0, got [${shape.join(", ")}]`,
      );
    }
    count *= dimension;
  }
  if (!Number.isSafeInteger(count)) {
    throw new TensorError(`tensor: expected at most 2^53 - 1 elements, got shape [${shape.join(", ")}]`);
  }
  return count;
}

/**
 * Wraps data as a tensor; nothing is copied.
 * @throws TensorError if the array is of the wrong kind for the dtype, or its length is not that of the shape
 * @example tensor("float32", [2, 3], new Float32Array(6))
 */
export function tensor<D extends DType>(
  dtype: D,
  shape: readonly number[],
  data: TypedArrays[D],
): Extract<Tensor, { dtype: D }> {
  const expected = ARRAY_TYPES[dtype];
  if (!(data instanceof expected)) {
    throw new TensorError(`tensor: expected ${expected.name} for ${dtype}, got ${describe(data)}`);
  }
  const count = elementCount(shape);
  if (data.length !== count) {
    throw new TensorError(
      `tensor: expected ${count} elements for shape [${shape.join(", ")}], got ${data.length}`,
    );
  }
  return { dtype, shape: [...shape], data } as unknown as Extract<Tensor, { dtype: D }>;
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? (value.constructor?.name ?? "object") : typeof value;
}

/**
 * A tensor's elements as float32: float16, bfloat16 and int8 (with its scales) are widened exactly.
 * @returns the tensor's own array if it is float32 already, otherwise a new one
 * @throws TensorError for int32, which float32 cannot hold exactly
 */
export function toFloat32(source: Tensor): Float32Array {
  switch (source.dtype) {
    case "float32":
      return source.data;
    case "float16":
      return Float32Array.from(source.data, float16ToNumber);
    case "bfloat16":
      return bfloat16ToFloat32(source.data);
    case "int8":
      return int8ToFloat32(source);
    case "int32":
      throw new TensorError("toFloat32: expected a floating-point or int8 tensor, got int32");
    default:
      return source satisfies never;
  }
}

function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const widened = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) widened[i] = bits[i]! << 16;
  return new Float32Array(widened.buffer);
}

function int8ToFloat32({ shape, data, scales }: Int8Tensor): Float32Array {
  const values = Float32Array.from(data);
  if (scales === undefined) return values;
  const rows = shape[0] ?? 1;
  const columns = rows === 0 ? 0 : data.length / rows;
  for (let row = 0; row < rows; row++) {
    const scale = scales[row]!;
    for (let i = row * columns; i < (row + 1) * columns; i++) values[i]! *= scale;
  }
  return values;
}

/** IEEE 754 binary16 bits → number, exact; subnormals, infinities and NaN included. */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const floatView = new Float32Array(1);
const bitsView = new Uint32Array(floatView.buffer);

/** Number → IEEE 754 binary16 bits, rounded to nearest, ties to even; too large becomes infinity. The number is first rounded to float32. */
export function numberToFloat16(value: number): number {
  floatView[0] = value;
  const bits = bitsView[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and above round to infinity
  if (magnitude >= 0x38800000) {
    // Normal in binary16: rebias the exponent by 127 − 15, drop 13 bits of fraction.
    const rebiased = magnitude - 0x38000000;
    return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
  }
  // Subnormal: units of 2^-24. The product is exact in float64; ties go to even.
  const units = Math.abs(floatView[0]!) * 2 ** 24;
  const floor = Math.floor(units);
  const rest = units - floor;
  return sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0));
}
