/**
 * `reference()`: a backend that walks the graph and calls one plain function per op. Everywhere, on nothing, slowly.
 */
import {
  checkInputs,
  DEFAULT_MAX_ROWS,
  InputError,
  RunQueue,
  tensor,
  toFloat32,
  UnsupportedError,
  verify,
} from "@textower/graph";
import type {
  AttentionNode,
  Backend,
  CompileOptions,
  Executable,
  ExecutableInfo,
  Graph,
  Inputs,
  NodeId,
  Tensor,
  WeightSource,
} from "@textower/graph";
import * as ops from "./ops.js";
import type { Matrix } from "./ops.js";

/** The reference backend, named "reference". float32 only. */
export function reference(): Backend {
  return {
    name: "reference",
    isSupported: () => Promise.resolve({ supported: true }),
    compile,
  };
}

async function compile(
  graph: Graph,
  weights: WeightSource,
  options: CompileOptions = {},
): Promise<Executable> {
  const { precision = "float32", maxRows = DEFAULT_MAX_ROWS, signal, onProgress } = options;
  verify(graph);
  if (precision !== "float32") {
    throw new UnsupportedError(`reference: expected precision float32, got ${precision}`);
  }
  const nodes = graph.nodes.flatMap((node, id) => (node.op === "weight" ? [{ node, id }] : []));
  const held = new Map<NodeId, Matrix>();
  let memoryBytes = 0;
  for (const { node, id } of nodes) {
    signal?.throwIfAborted();
    const data = toFloat32(await weights.read(node.source, node.rows, signal));
    const [rows, columns] = node.shape.length === 2 ? [node.shape[0]!, node.shape[1]!] : [1, node.shape[0]!];
    if (data.length !== rows * columns) {
      throw new UnsupportedError(
        `reference: expected ${rows * columns} elements of ${node.source}, got ${data.length} from the source`,
      );
    }
    held.set(id, ops.matrix(rows, columns, data));
    memoryBytes += data.byteLength;
    onProgress?.({ loaded: held.size, total: nodes.length });
  }
  return new ReferenceExecutable(graph, held, maxRows, memoryBytes);
}

class ReferenceExecutable implements Executable {
  readonly info: ExecutableInfo;
  readonly #queue = new RunQueue("reference");

  constructor(
    readonly graph: Graph,
    readonly weights: Map<NodeId, Matrix>,
    readonly maxRows: number,
    memoryBytes: number,
  ) {
    const notes = ["plain loops: for checking, not for speed"];
    this.info = { backend: "reference", device: "cpu", precision: "float32", threads: 1, memoryBytes, notes };
  }

  run(inputs: Inputs, options: { signal?: AbortSignal } = {}): Promise<Record<string, Tensor>> {
    return this.#queue.run(() => evaluate(this.graph, this.weights, inputs, this.maxRows), options.signal);
  }

  dispose(): Promise<void> {
    return this.#queue.dispose(() => this.weights.clear());
  }
}

function evaluate(
  graph: Graph,
  weights: ReadonlyMap<NodeId, Matrix>,
  inputs: Inputs,
  maxRows: number,
): Record<string, Tensor> {
  for (const [name, size] of checkInputs(graph, inputs)) {
    if (size > maxRows) throw new InputError(`reference: expected at most ${maxRows} ${name}, got ${size}`);
  }
  const values = new Map<NodeId, Matrix>(weights);
  const value = (id: NodeId): Matrix => values.get(id)!;
  const indices = (id: NodeId): Int32Array => {
    const node = graph.nodes[id]!;
    return inputs[node.op === "input" ? node.name : ""]!.data as Int32Array;
  };
  graph.nodes.forEach((node, id) => {
    switch (node.op) {
      case "input": {
        const { dtype, shape, data } = inputs[node.name]!;
        if (dtype === "float32") values.set(id, ops.matrix(shape[0]!, shape[1]!, data));
        return;
      }
      case "weight":
        return;
      case "gather":
        return void values.set(id, ops.gather(value(node.x), indices(node.rows)));
      case "concat":
        return void values.set(id, ops.concat(value(node.a), value(node.b)));
      case "add":
        return void values.set(id, ops.add(value(node.a), value(node.b)));
      case "layerNorm": {
        const [weight, bias] = [value(node.weight).data, value(node.bias).data];
        return void values.set(id, ops.layerNorm(value(node.x), weight, bias, node.epsilon));
      }
      case "linear": {
        const bias = node.bias === undefined ? undefined : value(node.bias).data;
        return void values.set(id, ops.linear(value(node.x), value(node.weight), bias));
      }
      case "gelu":
        return void values.set(id, ops.gelu(value(node.x), node.form));
      case "attention":
        return void values.set(id, attend(node, value, indices));
      default:
        node satisfies never;
    }
  });
  return Object.fromEntries(
    Object.entries(graph.outputs).map(([name, id]) => {
      const { rows, columns, data } = value(id);
      return [name, tensor("float32", [rows, columns], data.slice())];
    }),
  );
}

function attend(
  node: AttentionNode,
  value: (id: NodeId) => Matrix,
  indices: (id: NodeId) => Int32Array,
): Matrix {
  const view = ({ node: id, begin }: { node: NodeId; begin: number }): ops.ColumnView => ({
    matrix: value(id),
    begin,
  });
  const { visibility } = node;
  const sees =
    visibility.kind === "ancestors"
      ? (row: number) => ops.ancestors(indices(visibility.parents), row)
      : (row: number) => ops.segmentRows(indices(visibility.segments), row);
  const queryRows = node.queryRows === undefined ? undefined : indices(node.queryRows);
  const width = node.query.end - node.query.begin;
  return ops.attention(
    view(node.query),
    view(node.key),
    view(node.value),
    width,
    node.heads,
    queryRows,
    sees,
  );
}
