/** Weights of a lowered graph, from their source to the arrays that ONNX has: float32, or float16 as raw bits. */
import {
  BYTES_PER_ELEMENT,
  elementCount,
  numberToFloat16,
  toFloat32,
  UnsupportedError,
} from "@textower/graph";
import type { CompileOptions, RowRange, Tensor, WeightSource } from "@textower/graph";
import type { LoweredGraph, LoweredWeight } from "./lower.js";

/** Elements of a weight. */
export type WeightArray = Float32Array | Uint16Array;

/** From here on, numbers round to infinity in float16. */
const FLOAT16_LIMIT = 65520;
/** Weights on their way to a file are read so many bytes at a time, counted in float32. */
const PIECE_BYTES = 4 * 2 ** 20;

/**
 * Reads each weight, in order.
 * @returns name in the ONNX graph → elements
 */
export async function readWeights(
  { weights: wanted }: LoweredGraph,
  source: WeightSource,
  signal: AbortSignal | undefined,
  onProgress: CompileOptions["onProgress"],
): Promise<Map<string, WeightArray>> {
  const arrays = new Map<string, WeightArray>();
  for (const weight of wanted) {
    signal?.throwIfAborted();
    const { node } = weight;
    const stored = await source.read(node.source, node.rows, signal);
    arrays.set(weight.name, elements(weight, stored, elementCount(node.shape)));
    onProgress?.({ loaded: arrays.size, total: wanted.length });
  }
  return arrays;
}

/** The bytes of one weight, in order, some MiB at a time; each piece is the caller's. */
export async function* weightPieces(
  weight: LoweredWeight,
  source: WeightSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { node } = weight;
  const [rows = 1, ...rest] = node.shape;
  const columns = elementCount(rest);
  const first = node.rows?.begin ?? 0;
  const step = Math.max(1, Math.floor(PIECE_BYTES / (BYTES_PER_ELEMENT.float32 * columns)));
  for (let begin = 0; begin < rows; begin += step) {
    signal?.throwIfAborted();
    const end = Math.min(rows, begin + step);
    const isWhole = node.rows === undefined && end - begin === rows;
    const range: RowRange | undefined = isWhole ? undefined : { begin: first + begin, end: first + end };
    const stored = await source.read(node.source, range, signal);
    const { buffer, byteOffset, byteLength } = elements(weight, stored, (end - begin) * columns);
    yield new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  }
}

/** @throws UnsupportedError for another number of elements, or one that float16 cannot hold */
function elements({ node, dtype }: LoweredWeight, stored: Tensor, count: number): WeightArray {
  if (stored.data.length !== count) {
    throw new UnsupportedError(
      `onnx: expected ${count} elements of ${node.source}, got ${stored.data.length} from the source`,
    );
  }
  if (dtype === "float32") return toFloat32(stored);
  if (stored.dtype === "float16") return stored.data;
  const values = toFloat32(stored);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (!(Math.abs(values[i]!) < FLOAT16_LIMIT)) {
      throw new UnsupportedError(
        `onnx: expected elements of ${node.source} that float16 can hold, got ${values[i]}`,
      );
    }
    halves[i] = numberToFloat16(values[i]!);
  }
  return halves;
}
