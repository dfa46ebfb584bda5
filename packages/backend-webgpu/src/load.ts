/**
 * `loadWeights`: takes weights from a source to a device, one at a time, in the order of the graph, written straight to
 * mapped buffers. A weight that is larger than a buffer can be is split by outputs.
 */
import { toFloat32, UnsupportedError } from "@textower/graph";
import type { CompileOptions, NodeId, Precision, Tensor, WeightNode, WeightSource } from "@textower/graph";
import type { Buffers } from "./buffers.js";
import type { Device } from "./device.js";
import { quads } from "./kernels/shader.js";
import { QUAD_BYTES } from "./kernels/linear.js";
import { packPart } from "./pack.js";
import type { Plan } from "./plan.js";

/** Outputs `begin` ≤ output < `end` of a linear's weight, on the device. */
export interface LoadedPart {
  readonly begin: number;
  readonly end: number;
  readonly weight: GPUBuffer;
  readonly scales: GPUBuffer | undefined;
  readonly precision: Precision;
}

/** Weights on the device, by node. */
export interface LoadedWeights {
  readonly packed: ReadonlyMap<NodeId, readonly LoadedPart[]>;
  /** Matrices and vectors as rows of quads. */
  readonly plain: ReadonlyMap<NodeId, GPUBuffer>;
}

/**
 * Rejects with what the source rejects with, the signal's reason, UnsupportedError for a tensor that does not fit its
 * node, BackendError or DeviceLostError. The caller disposes of `buffers`.
 */
export async function loadWeights(
  plan: Plan,
  device: Device,
  buffers: Buffers,
  source: WeightSource,
  { signal, onProgress }: CompileOptions,
): Promise<LoadedWeights> {
  const packed = new Map<NodeId, LoadedPart[]>();
  const plain = new Map<NodeId, GPUBuffer>();
  let loaded = 0;
  for (const weight of plan.weights) {
    signal?.throwIfAborted();
    const node = plan.graph.nodes[weight.id] as WeightNode;
    const tensor = await device.orLost(source.read(node.source, node.rows, signal));
    checkTensor(node, tensor);
    if (weight.plain) plain.set(weight.id, loadPlain(buffers, node, tensor));
    if (weight.packed !== undefined) packed.set(weight.id, loadPacked(buffers, node, tensor, weight.packed));
    if (device.loss !== undefined) throw device.loss;
    onProgress?.({ loaded: ++loaded, total: plan.weights.length });
  }
  signal?.throwIfAborted();
  return { packed, plain };
}

function checkTensor(node: WeightNode, tensor: Tensor): void {
  const count = node.shape.reduce((product, size) => product * size, 1);
  if (tensor.dtype === "int32") {
    throw new UnsupportedError(`webgpu: expected ${node.source} as floating point or int8, got int32`);
  }
  if (tensor.data.length !== count) {
    throw new UnsupportedError(
      `webgpu: expected ${count} elements of ${node.source}, got ${tensor.data.length} from the source`,
    );
  }
}

function loadPlain(buffers: Buffers, node: WeightNode, tensor: Tensor): GPUBuffer {
  const [rows, columns] = node.shape.length === 2 ? [node.shape[0]!, node.shape[1]!] : [1, node.shape[0]!];
  const values = toFloat32(tensor);
  const width = quads(columns) * 4;
  return buffers.filled(node.source, rows * width * 4, (into) => {
    const floats = new Float32Array(into);
    for (let row = 0; row < rows; row++) {
      floats.set(values.subarray(row * columns, (row + 1) * columns), row * width);
    }
  });
}

function loadPacked(buffers: Buffers, node: WeightNode, tensor: Tensor, precision: Precision): LoadedPart[] {
  const [outputs, inputs] = node.shape as readonly [number, number];
  const depth = quads(inputs) * 4;
  const quadBytes = depth * QUAD_BYTES[precision];
  const outputsOfPart = Math.floor(buffers.limit / quadBytes) * 4;
  if (outputsOfPart === 0) {
    throw new UnsupportedError(
      `webgpu: expected at most ${buffers.limit} bytes for 4 outputs of ${node.source}, got ${quadBytes}`,
    );
  }
  const parts: LoadedPart[] = [];
  for (let begin = 0; begin < outputs; begin += outputsOfPart) {
    const end = Math.min(begin + outputsOfPart, outputs);
    const width = quads(end - begin) * 4;
    const scales = new Float32Array(precision === "int8" ? width : 0);
    const weight = buffers.filled(node.source, quads(end - begin) * quadBytes, (into) =>
      packPart({ source: node.source, tensor, inputs, begin, end }, precision, into, scales),
    );
    parts.push({
      begin,
      end,
      weight,
      precision,
      scales:
        precision === "int8"
          ? buffers.filled(`scales of ${node.source}`, width * 4, (into) =>
              new Float32Array(into).set(scales),
            )
          : undefined,
    });
  }
  return parts;
}
