/**
 * `lower`: a graph as the list of kernel steps that compute it: the fused steps, and the forms of values that only
 * these kernels know.
 *
 * Not here: memory (`plan.ts`), sizes of a run (`encode.ts`).
 */
import { fuse, neededNodes } from "@textower/graph";
import type { Graph, NodeId, Precision, Step as FusedStep } from "@textower/graph";
import { PANEL_COLUMNS } from "./record.js";
import { operands } from "./steps.js";
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
  const steps = withForms(graph, fuse(graph), precision);
  return { ...steps, weights: findWeights(graph, neededNodes(graph), steps.steps, precision) };
}

/**
 * How a linear's weight is kept. Fewer outputs than a panel stay float32 where int8 is asked for: the panel is padded
 * anyway, so quantising would cost accuracy and save next to nothing.
 */
function packedPrecision(graph: Graph, weight: NodeId, precision: Precision): Precision {
  const [outputs] = graph.types[weight]!.shape;
  return precision === "int8" && Number(outputs) < PANEL_COLUMNS ? "float32" : precision;
}

/** Adds the steps that quantise operands and pack computed weights. A form that several steps want is made once. */
function withForms(
  graph: Graph,
  fused: readonly FusedStep[],
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
      steps.push({ ...step, quantised: undefined, packed: form("pack", step.weight) });
    } else {
      const quantise = packedPrecision(graph, step.weight, precision) === "int8";
      steps.push({ ...step, quantised: quantise ? form("quantise", step.x) : undefined, packed: undefined });
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
