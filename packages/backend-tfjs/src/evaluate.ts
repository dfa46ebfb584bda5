/** One run of a graph as a loop of tfjs ops over its nodes. Called inside `tidy`; checks nothing. */
import type { AttentionNode, Columns, Graph, NodeId, Tensor } from "@textower/graph";
import type * as core from "@tensorflow/tfjs-core";
import { buildMask } from "./mask.js";
import * as ops from "./ops.js";
import type { Matrix, Tfjs } from "./ops.js";

/** The weights of a graph on the device. */
export interface DeviceWeights {
  /** As they are stored, for every use but the one below. */
  readonly plain: ReadonlyMap<NodeId, core.Tensor>;
  /** Weights of `linear`, turned once to [in, out] and not in every product. */
  readonly transposed: ReadonlyMap<NodeId, Matrix>;
}

/**
 * @param inputs - by name; float32 ones are tensors of the runtime or the host's, int32 ones the host's
 * @returns name → tensor, one for each output: clones, so that none is a weight or an input itself
 */
export function evaluate(
  tf: Tfjs,
  graph: Graph,
  weights: DeviceWeights,
  inputs: Readonly<Record<string, Tensor | core.Tensor>>,
): Record<string, core.Tensor> {
  const values = new Map<NodeId, core.Tensor>(weights.plain);
  const matrix = (id: NodeId): Matrix => values.get(id) as Matrix;
  const list = (id: NodeId): Int32Array => {
    const node = graph.nodes[id]!;
    return (inputs[node.op === "input" ? node.name : ""] as Tensor).data as Int32Array;
  };
  const indices = (id: NodeId): core.Tensor1D => tf.tensor1d(list(id), "int32");
  const columns = ({ node, begin, end }: Columns): Matrix => {
    const from = matrix(node);
    return begin === 0 && end === from.shape[1]
      ? from
      : tf.slice(from, [0, begin], [from.shape[0], end - begin]);
  };
  const masks = new Map<string, Matrix>();
  const maskOf = ({ visibility, queryRows }: AttentionNode): Matrix => {
    const source = visibility.kind === "ancestors" ? visibility.parents : visibility.segments;
    const key = `${source} ${queryRows ?? "all"}`;
    const known = masks.get(key);
    if (known !== undefined) return known;
    const [rows, only] = [list(source), queryRows === undefined ? undefined : list(queryRows)];
    const shape: [number, number] = [only?.length ?? rows.length, rows.length];
    const mask = tf.tensor2d(buildMask(visibility.kind, rows, only), shape);
    masks.set(key, mask);
    return mask;
  };

  const compute = (id: NodeId): core.Tensor | undefined => {
    const node = graph.nodes[id]!;
    switch (node.op) {
      case "input": {
        if (node.dtype === "int32") return undefined;
        const given = inputs[node.name]!;
        // Some backends keep the array that they are given: the caller's stays the caller's.
        return isHostTensor(given)
          ? tf.tensor(Float32Array.from(given.data), [...given.shape], "float32")
          : given;
      }
      case "weight":
        return values.get(id);
      case "gather":
        return tf.gather(matrix(node.x), indices(node.rows));
      case "concat":
        return tf.concat([matrix(node.a), matrix(node.b)], 0);
      case "add":
        return tf.add(matrix(node.a), matrix(node.b));
      case "layerNorm":
        return ops.layerNorm(
          tf,
          matrix(node.x),
          values.get(node.weight)!,
          values.get(node.bias)!,
          node.epsilon,
        );
      case "linear": {
        const bias = node.bias === undefined ? undefined : values.get(node.bias)!;
        return ops.linear(tf, matrix(node.x), weights.transposed.get(node.weight)!, bias);
      }
      case "gelu":
        return ops.gelu(tf, matrix(node.x), node.form);
      case "attention": {
        const [query, key, value] = [columns(node.query), columns(node.key), columns(node.value)];
        return ops.attention(tf, query, key, value, node.heads, maskOf(node));
      }
      default:
        return node satisfies never;
    }
  };
  for (let id = 0; id < graph.nodes.length; id++) {
    const value = compute(id);
    if (value !== undefined) values.set(id, value);
  }
  return Object.fromEntries(
    Object.entries(graph.outputs).map(([name, id]) => [name, tf.clone(values.get(id)!)]),
  );
}

/** Tensors of this project are plain data; those of tfjs read theirs by a method. */
export function isHostTensor(given: Tensor | core.Tensor): given is Tensor {
  return typeof (given as core.Tensor).dataSync !== "function";
}
