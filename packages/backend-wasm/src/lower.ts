/**
 * `lower`: a graph as the list of kernel steps that compute it. Nodes that no output needs are left out; gelu and the
 * addition of a residual go into the linear before them, an addition into the gather before it.
 *
 * Not here: memory (`plan.ts`), sizes of a run (`encode.ts`).
 */
import type { Graph, Node, NodeId, Precision } from "@textower/graph";
import { PANEL_COLUMNS } from "./record.js";
import { attentionSources, operands } from "./steps.js";
import type { FormStep, Step, ValueId } from "./steps.js";

/** A graph, lowered. */
export interface Lowered {
  readonly steps: readonly Step[];
  /** Weight nodes that are read, in the order of the graph: packed into panels, plain, or both. */
  readonly weights: readonly {
    readonly id: NodeId;
    /** Precision of the panels; undefined if there are none. */
    readonly packed: Precision | undefined;
    readonly plain: boolean;
  }[];
  /** For each value beyond the nodes, the node it is a form of. */
  readonly forms: readonly NodeId[];
}

/** Lowers a graph that `verify` has passed. */
export function lower(graph: Graph, precision: Precision): Lowered {
  const needed = findNeeded(graph);
  const steps = withForms(graph, fuse(graph, needed), precision);
  return { ...steps, weights: findWeights(graph, needed, steps.steps, precision) };
}

/**
 * How a linear's weight is kept. Fewer outputs than a panel stay float32 where int8 is asked for: the panel is padded
 * anyway, so quantising would cost accuracy and save next to nothing.
 */
function packedPrecision(graph: Graph, weight: NodeId, precision: Precision): Precision {
  const [outputs] = graph.types[weight]!.shape;
  return precision === "int8" && Number(outputs) < PANEL_COLUMNS ? "float32" : precision;
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
    case "attention":
      return attentionSources(node);
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
        return void steps.set(y, {
          op: "linear",
          x: node.x,
          weight: node.weight,
          bias: node.bias,
          ...rest,
          y,
        });
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
      const quantise = packedPrecision(graph, step.weight, precision) === "int8";
      steps.push(quantise ? { ...step, quantised: form("quantise", step.x) } : step);
    }
  }
  return { steps, forms };
}

function findWeights(
  graph: Graph,
  needed: ReadonlySet<NodeId>,
  steps: readonly Step[],
  precision: Precision,
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
  return graph.nodes.flatMap((node, id) => {
    if (node.op !== "weight" || !needed.has(id)) return [];
    const kept = packed.has(id) ? packedPrecision(graph, id, precision) : undefined;
    return [{ id, packed: kept, plain: plain.has(id) }];
  });
}
