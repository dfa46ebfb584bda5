/**
 * `lower`: a graph as the list of kernel steps that compute it. Nodes that no output needs are left out; gelu and the
 * addition of a residual go into the linear before them, an addition into the gather before it.
 *
 * Not here: memory (`plan.ts`), sizes of a run (`encode.ts`).
 */
import type { AttentionNode, GeluForm, Graph, Node, NodeId, Precision } from "@textower/graph";

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

/** A graph, lowered. */
export interface Lowered {
  readonly steps: readonly Step[];
  /** Weight nodes that are read, in the order of the graph: packed into panels, plain, or both. */
  readonly weights: readonly { readonly id: NodeId; readonly packed: boolean; readonly plain: boolean }[];
  /** For each value beyond the nodes, the node it is a form of. */
  readonly forms: readonly NodeId[];
}

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
      all.push(...sources(step.node));
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

/** Lowers a graph that `verify` has passed. */
export function lower(graph: Graph, precision: Precision): Lowered {
  const needed = findNeeded(graph);
  const steps = withForms(graph, fuse(graph, needed), precision);
  return { ...steps, weights: findWeights(graph, needed, steps.steps) };
}

function sources(node: Node): NodeId[] {
  switch (node.op) {
    case "input":
    case "weight":
      return [];
    case "gather":
      return [node.x, node.rows];
    case "concat":
    case "add":
      return [node.a, node.b];
    case "layerNorm":
      return [node.x, node.weight, node.bias];
    case "linear":
      return node.bias === undefined ? [node.x, node.weight] : [node.x, node.weight, node.bias];
    case "gelu":
      return [node.x];
    case "attention": {
      const { visibility } = node;
      const structure = visibility.kind === "ancestors" ? visibility.parents : visibility.segments;
      const ids = [node.query.node, node.key.node, node.value.node, structure];
      return node.queryRows === undefined ? ids : [...ids, node.queryRows];
    }
    default:
      return node satisfies never;
  }
}

function findNeeded(graph: Graph): Set<NodeId> {
  const needed = new Set(Object.values(graph.outputs));
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    if (needed.has(id)) for (const source of sources(graph.nodes[id]!)) needed.add(source);
  }
  return needed;
}

/** One step per node, merged where a result has a single reader. A merged step stands where its last part stood. */
function fuse(graph: Graph, needed: ReadonlySet<NodeId>): Step[] {
  const uses = new Map<NodeId, number>();
  const use = (id: NodeId): unknown => uses.set(id, (uses.get(id) ?? 0) + 1);
  Object.values(graph.outputs).forEach(use);
  for (const id of needed) sources(graph.nodes[id]!).forEach(use);

  const steps = new Map<NodeId, Step>(); // by result, in order
  const take = (id: NodeId): Step | undefined => (uses.get(id) === 1 ? steps.get(id) : undefined);
  const merge = (from: NodeId, step: Step): void => {
    steps.delete(from);
    steps.set(step.y, step);
  };
  graph.nodes.forEach((node, y) => {
    if (!needed.has(y)) return;
    switch (node.op) {
      case "input":
      case "weight":
        return;
      case "gather":
        return void steps.set(y, { op: "gather", x: node.x, rows: node.rows, addend: undefined, y });
      case "concat":
        return void steps.set(y, { op: "concat", a: node.a, b: node.b, y });
      case "layerNorm":
        return void steps.set(y, { ...node, y });
      case "attention":
        return void steps.set(y, { op: "attention", node, y });
      case "linear": {
        const rest = { activation: undefined, residual: undefined, quantised: undefined, packed: undefined };
        return void steps.set(y, { op: "linear", x: node.x, weight: node.weight, bias: node.bias, ...rest, y });
      }
      case "gelu": {
        const before = take(node.x);
        if (before?.op === "linear" && before.activation === undefined && before.residual === undefined) {
          return merge(node.x, { ...before, activation: node.form, y });
        }
        return void steps.set(y, {
          op: "elementwise",
          x: node.x,
          activation: node.form,
          residual: undefined,
          y,
        });
      }
      case "add": {
        for (const [from, other] of [
          [node.b, node.a],
          [node.a, node.b],
        ] as const) {
          const before = take(from);
          if ((before?.op === "linear" || before?.op === "elementwise") && before.residual === undefined) {
            return merge(from, { ...before, residual: other, y });
          }
          if (before?.op === "gather" && before.addend === undefined) {
            return merge(from, { ...before, addend: other, y });
          }
        }
        const { a: x, b: residual } = node;
        return void steps.set(y, { op: "elementwise", x, activation: undefined, residual, y });
      }
      default:
        node satisfies never;
    }
  });
  return [...steps.values()];
}

/** Adds the steps that quantise operands and pack computed weights. A form that several steps want is made once. */
function withForms(
  graph: Graph,
  fused: readonly Step[],
  precision: Precision,
): { steps: Step[]; forms: NodeId[] } {
  const steps: Step[] = [];
  const forms: NodeId[] = [];
  const made = new Map<string, ValueId>();
  const form = (op: FormStep["op"], x: NodeId): ValueId => {
    const key = `${op} ${x}`;
    const y = made.get(key) ?? graph.nodes.length + forms.push(x) - 1;
    if (!made.has(key)) steps.push({ op, x, y });
    made.set(key, y);
    return y;
  };
  for (const step of fused) {
    if (step.op !== "linear") {
      steps.push(step);
    } else if (graph.nodes[step.weight]!.op !== "weight") {
      steps.push({ ...step, packed: form("pack", step.weight) });
    } else {
      steps.push(precision === "int8" ? { ...step, quantised: form("quantise", step.x) } : step);
    }
  }
  return { steps, forms };
}

function findWeights(
  graph: Graph,
  needed: ReadonlySet<NodeId>,
  steps: readonly Step[],
): Lowered["weights"] {
  const packed = new Set<NodeId>();
  const plain = new Set<NodeId>(Object.values(graph.outputs));
  for (const step of steps) {
    if (step.op === "linear" && step.packed === undefined) packed.add(step.weight);
    for (const id of operands(step)) {
      if (!(step.op === "linear" && id === step.weight)) plain.add(id);
    }
    // A weight may be multiplied by itself.
    if (step.op === "linear" && step.quantised === undefined && step.x === step.weight) plain.add(step.x);
    if (step.op === "linear" && step.residual === step.weight) plain.add(step.weight);
  }
  return graph.nodes.flatMap((node, id) =>
    node.op === "weight" && needed.has(id) ? [{ id, packed: packed.has(id), plain: plain.has(id) }] : [],
  );
}
