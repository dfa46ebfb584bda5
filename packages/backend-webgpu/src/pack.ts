/**
 * Weights as linears read them: [in, out] in quads of 4 outputs, inputs padded with zeros to whole quads too.
 * float32: 4 floats. float16: 4 binary16. int8: 4 integers in 32 bits, lowest byte first, and a float32 scale per output.
 */
import { numberToFloat16, toFloat32, UnsupportedError } from "@textower/graph";
import type { Precision, Tensor } from "@textower/graph";
import { quads } from "./kernels/shader.js";

/** From here on, numbers round to infinity in float16. */
const FLOAT16_LIMIT = 65520;
/** Rows that are transposed together, so that what is written lies close: a cache line of float32. */
const BLOCK = 16;

/** Outputs `begin` ≤ output < `end` of a weight [out, in], to be packed. */
export interface Part {
  readonly source: string;
  readonly tensor: Tensor;
  readonly inputs: number;
  readonly begin: number;
  readonly end: number;
}

/**
 * Packs a part into `into`, which is zero and as long as the part's quads.
 * @param scales - for int8: one per output of the part, written
 * @throws UnsupportedError for an element that float16 cannot hold
 */
export function packPart(part: Part, precision: Precision, into: ArrayBuffer, scales: Float32Array): void {
  const { tensor, inputs, begin, end } = part;
  const width = quads(end - begin) * 4;
  if (precision === "float32") {
    transpose(floats(tensor, begin * inputs, end * inputs), inputs, width, new Float32Array(into));
  } else if (precision === "float16") {
    const halves =
      tensor.dtype === "float16"
        ? tensor.data.subarray(begin * inputs, end * inputs)
        : Uint16Array.from(floats(tensor, begin * inputs, end * inputs), (value) => {
            if (Math.abs(value) < FLOAT16_LIMIT) return numberToFloat16(value);
            throw new UnsupportedError(
              `webgpu: expected elements of ${part.source} that float16 can hold, got ${value}; use precision float32`,
            );
          });
    transpose(halves, inputs, width, new Uint16Array(into));
  } else {
    transpose(quantise(part, scales), inputs, width, new Int8Array(into));
  }
}

/** Elements `from` ≤ element < `to` as float32. */
function floats(tensor: Tensor, from: number, to: number): Float32Array {
  switch (tensor.dtype) {
    case "float32":
      return tensor.data.subarray(from, to);
    case "float16":
    case "bfloat16":
      return toFloat32({ dtype: tensor.dtype, shape: [to - from], data: tensor.data.subarray(from, to) });
    default:
      return toFloat32(tensor).subarray(from, to);
  }
}

/** Integers that are there already stay as they are; others are rounded to −127 … 127 of each row's largest. */
function quantise({ tensor, inputs, begin, end }: Part, scales: Float32Array): Int8Array {
  if (tensor.dtype === "int8" && tensor.scales !== undefined) {
    scales.set(tensor.scales.subarray(begin, end));
    return tensor.data.subarray(begin * inputs, end * inputs);
  }
  const values = floats(tensor, begin * inputs, end * inputs);
  const integers = new Int8Array(values.length);
  for (let row = 0; row < end - begin; row++) {
    let largest = 0;
    for (let i = row * inputs; i < (row + 1) * inputs; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const scale = largest / 127;
    scales[row] = scale;
    if (scale === 0) continue;
    for (let i = row * inputs; i < (row + 1) * inputs; i++) integers[i] = Math.round(values[i]! / scale);
  }
  return integers;
}

/** from [out, in] → into [in, width] */
function transpose<T extends Float32Array | Uint16Array | Int8Array>(
  from: T,
  inputs: number,
  width: number,
  into: T,
): void {
  const outputs = from.length / inputs;
  for (let block = 0; block < outputs; block += BLOCK) {
    const end = Math.min(block + BLOCK, outputs);
    for (let k = 0; k < inputs; k++) {
      for (let output = block; output < end; output++) into[k * width + output] = from[output * inputs + k]!;
    }
  }
}
