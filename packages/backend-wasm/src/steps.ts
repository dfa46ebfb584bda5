/**
 * The steps that a graph is lowered to (`lower.ts`): one kernel's work each, over values that are nodes or forms of
 * nodes. Plain data, as the graph is.
 */
import type { AttentionNode, GeluForm, NodeId } from "@textower/graph";

/** A value of a run: a node's result, or, from `graph.nodes.length` on, a form of one that only kernels know. */
export type ValueId = number;

/** `y = activation(x · weightᵀ + bias) + residual` */
export interface LinearStep {
  readonly op: "linear";
  readonly x: NodeId;
  readonly weight: NodeId;
  readonly bias: NodeId | undefined;
  readonly activation: GeluForm | undefined;
  readonly residual: NodeId | undefined;
  /** The quantised form of `x`, where weights are int8. */
  readonly quantised: ValueId | undefined;
  /** The packed form of `weight`, where that is computed by the graph and not a parameter. */
  readonly packed: ValueId | undefined;
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

/** Packs a computed weight into panels, or quantises the rows of a linear's operand. */
export interface FormStep {
  readonly op: "pack" | "quantise";
  readonly x: NodeId;
  readonly y: ValueId;
}

/** One kernel's work. */
export type Step =
  | LinearStep
  | GatherStep
  | ConcatStep
  | ElementwiseStep
  | LayerNormStep
  | AttentionStep
  | FormStep;

/** The values a step reads. Weights are among them. */
export function operands(step: Step): ValueId[] {
  const all: (ValueId | undefined)[] = [];
  switch (step.op) {
    case "linear":
      all.push(step.quantised ?? step.x, step.packed ?? step.weight, step.bias, step.residual);
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
    case "pack":
    case "quantise":
      all.push(step.x);
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
