/**
 * Steps: what `fuse` makes of a graph's nodes. One kernel's work each; plain data, as the graph is. Backends with
 * kernels of their own start from these, and may add steps and operands of their own.
 */
import type { AttentionNode, GeluForm, NodeId } from "../graph.js";

/** `y = activation(x · weightᵀ + bias) + residual` */
export interface LinearStep {
  readonly op: "linear";
  readonly x: NodeId;
  readonly weight: NodeId;
  readonly bias: NodeId | undefined;
  readonly activation: GeluForm | undefined;
  readonly residual: NodeId | undefined;
  readonly y: NodeId;
}

/** `y = x[rows] + addend` */
export interface GatherStep {
  readonly op: "gather";
  readonly x: NodeId;
  readonly rows: NodeId;
  readonly addend: NodeId | undefined;
  readonly y: NodeId;
}

/** The rows of `a`, then those of `b`. */
export interface ConcatStep {
  readonly op: "concat";
  readonly a: NodeId;
  readonly b: NodeId;
  readonly y: NodeId;
}

/** `y = activation(x) + residual` */
export interface ElementwiseStep {
  readonly op: "elementwise";
  readonly x: NodeId;
  readonly activation: GeluForm | undefined;
  readonly residual: NodeId | undefined;
  readonly y: NodeId;
}

/** See `LayerNormNode`. */
export interface LayerNormStep {
  readonly op: "layerNorm";
  readonly x: NodeId;
  readonly weight: NodeId;
  readonly bias: NodeId;
  readonly epsilon: number;
  readonly y: NodeId;
}

/** See `AttentionNode`. */
export interface AttentionStep {
  readonly op: "attention";
  readonly node: AttentionNode;
  readonly y: NodeId;
}

/** One kernel's work. */
export type Step = LinearStep | GatherStep | ConcatStep | ElementwiseStep | LayerNormStep | AttentionStep;

/** The values a step reads. Weights are among them. */
export function stepOperands(step: Step): NodeId[] {
  const all: (NodeId | undefined)[] = [];
  switch (step.op) {
    case "linear":
      all.push(step.x, step.weight, step.bias, step.residual);
      break;
    case "gather":
      all.push(step.x, step.rows, step.addend);
      break;
    case "concat":
      all.push(step.a, step.b);
      break;
    case "elementwise":
      all.push(step.x, step.residual);
      break;
    case "layerNorm":
      all.push(step.x, step.weight, step.bias);
      break;
    case "attention":
      all.push(...attentionSources(step.node));
      break;
    default:
      step satisfies never;
  }
  return all.filter((id) => id !== undefined);
}

/** The values an attention reads. */
export function attentionSources(node: AttentionNode): NodeId[] {
  const { visibility } = node;
  const structure = visibility.kind === "ancestors" ? visibility.parents : visibility.segments;
  const ids = [node.query.node, node.key.node, node.value.node, structure];
  return node.queryRows === undefined ? ids : [...ids, node.queryRows];
}
