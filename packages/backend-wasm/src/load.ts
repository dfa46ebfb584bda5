/**
 * `loadWeights`: takes weights from a source into wasm memory, one at a time, in the order of the graph. A linear's
 * weight passes through a slab of 8 rows on its way into panels, so that beside the tensor that the source just
 * handed over no copy exists.
 */
import { TensorError, toFloat32, UnsupportedError } from "@textower/graph";
import type { CompileOptions, Tensor, WeightNode, WeightSource } from "@textower/graph";
import { aligned } from "./arena.js";
import { panelBytes, panelsOf, rowBytes } from "./plan.js";
import type { PackedWeight, Plan } from "./plan.js";
import { PANEL_COLUMNS } from "./record.js";
import type { Kernels } from "./variants.js";

/** From here on, numbers round to infinity in float16. */
const FLOAT16_LIMIT = 65520;

/** Where weights go. */
export interface Target {
  readonly plan: Plan;
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
}

/**
 * Rejects with what the source rejects with, the signal's reason, or UnsupportedError for a tensor that does not fit
 * its node.
 */
export async function loadWeights(
  target: Target,
  weights: WeightSource,
  { signal, onProgress }: CompileOptions,
): Promise<void> {
  const { lowered, graph } = target.plan;
  let loaded = 0;
  for (const { id } of lowered.weights) {
    signal?.throwIfAborted();
    const node = graph.nodes[id] as WeightNode;
    const tensor = await weights.read(node.source, node.rows, signal);
    checkTensor(node, tensor);
    const [rows, columns] = node.shape.length === 2 ? [node.shape[0]!, node.shape[1]!] : [1, node.shape[0]!];
    const address = target.plan.addresses.get(id);
    if (address !== undefined) storePlain(target, tensor, rows, columns, address);
    const packed = target.plan.packed.get(id);
    if (packed !== undefined) storePacked(target, node.source, tensor, packed);
    onProgress?.({ loaded: ++loaded, total: lowered.weights.length });
  }
  signal?.throwIfAborted();
}

function checkTensor(node: WeightNode, tensor: Tensor): void {
  const count = node.shape.reduce((product, size) => product * size, 1);
  if (tensor.dtype === "int32") {
    throw new UnsupportedError(`wasm: expected ${node.source} as floating point or int8, got int32`);
  }
  if (tensor.data.length !== count) {
    throw new UnsupportedError(
      `wasm: expected ${count} elements of ${node.source}, got ${tensor.data.length} from the source`,
    );
  }
}

/** Row by row, each padded with the zeros that fresh memory has. */
function storePlain(
  { memory }: Target,
  tensor: Tensor,
  rows: number,
  columns: number,
  address: number,
): void {
  for (let row = 0; row < rows; row++) {
    const values = toFloat32(slice(tensor, row, row + 1, columns));
    new Float32Array(memory.buffer, address + row * rowBytes(columns), columns).set(values);
  }
}

function storePacked(target: Target, source: string, tensor: Tensor, packed: PackedWeight): void {
  const { rows, columns, precision, address } = packed;
  const { plan, memory, kernels } = target;
  const slab = plan.arena.address;
  for (let panel = 0; panel < panelsOf(rows); panel++) {
    const first = panel * PANEL_COLUMNS;
    const count = Math.min(PANEL_COLUMNS, rows - first);
    const values = slice(tensor, first, first + count, columns);
    fillSlab(target, values);
    const to = address + panel * panelBytes(columns, precision);
    if (precision === "float32") {
      kernels.packFloat32(count, columns, slab, columns * 4, to);
    } else if (precision === "float16") {
      const largest = kernels.packFloat16(count, columns, slab, columns * 4, to);
      if (!(largest < FLOAT16_LIMIT)) {
        throw new UnsupportedError(
          `wasm: expected elements of ${source} that float16 can hold, got ${largest}; use precision float32`,
        );
      }
    } else {
      const scales = packed.scales + first * 4;
      // Weights that are quantised already keep their scales, and so their integers.
      if (values.dtype === "int8" && values.scales !== undefined) {
        new Float32Array(memory.buffer, scales, count).set(values.scales);
      }
      kernels.packInt8(count, columns, slab, columns * 4, to, scales);
    }
  }
}

/** Writes up to 8 rows to the arena in float32. 16-bit floats are widened by a kernel from behind them. */
function fillSlab({ plan, memory, kernels }: Target, rows: Tensor): void {
  const slab = plan.arena.address;
  const count = rows.data.length;
  if (rows.dtype === "float16" || rows.dtype === "bfloat16") {
    const raw = slab + aligned(count * 4);
    new Uint16Array(memory.buffer, raw, count).set(rows.data);
    if (rows.dtype === "float16") kernels.widenFloat16(count, raw, slab);
    else kernels.widenBfloat16(count, raw, slab);
    return;
  }
  new Float32Array(memory.buffer, slab, count).set(toFloat32(rows));
}

/** Rows of a tensor of `columns` columns, as a view. */
function slice(tensor: Tensor, begin: number, end: number, columns: number): Tensor {
  const shape = [end - begin, columns];
  const [from, to] = [begin * columns, end * columns];
  switch (tensor.dtype) {
    case "int8": {
      const data = tensor.data.subarray(from, to);
      if (tensor.scales === undefined) return { dtype: "int8", shape, data };
      const scales = tensor.shape.length === 2 ? tensor.scales.subarray(begin, end) : tensor.scales;
      return { dtype: "int8", shape, data, scales };
    }
    case "float32":
      return { dtype: "float32", shape, data: tensor.data.subarray(from, to) };
    case "float16":
    case "bfloat16":
      return { dtype: tensor.dtype, shape, data: tensor.data.subarray(from, to) };
    case "int32":
      throw new TensorError("wasm: expected floating point or int8, got int32");
    default:
      return tensor satisfies never;
  }
}
