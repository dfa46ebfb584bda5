/**
 * `makePlan`: where every value of a graph lies on a device. Arithmetic over the graph, done before a weight is read or
 * a buffer made.
 *
 * A run's inputs, its sizes and its lists of visible rows arrive in one buffer, the upload, packed anew each run: its
 * words say where. Results lie in slots, weights in buffers of their own.
 */
import { DEFAULT_MAX_ROWS, fuse, stepOperands } from "@textower/graph";
import type {
  AttentionNode,
  AttentionStep,
  Dimension,
  Graph,
  NodeId,
  Precision,
  Step,
} from "@textower/graph";
import { SlotPlanner } from "./slots.js";
import { quads } from "./kernels/shader.js";
import type { Size } from "./kernels/shader.js";

/** Which rows the queries of one or more attentions see. */
export interface Sight {
  readonly kind: "ancestors" | "segments";
  readonly structure: NodeId;
  readonly queryRows: NodeId | undefined;
  readonly contextLength: number;
  /** Words that say where its list and its ranges lie, in elements of 16 bytes. */
  readonly list: number;
  readonly ranges: number;
}

/** A weight node, and the forms in which it is kept. */
export interface PlannedWeight {
  readonly id: NodeId;
  /** Precision of the form that linears read; undefined if none does. */
  readonly packed: Precision | undefined;
  readonly plain: boolean;
}

/** See the file's head. */
export interface Plan {
  readonly graph: Graph;
  readonly steps: readonly Step[];
  readonly precision: Precision;
  readonly maxRows: number;
  /** Words of a run: sizes of dimensions, then places of inputs and lists. */
  readonly words: number;
  readonly dimensions: ReadonlyMap<string, number>;
  readonly inputs: ReadonlyMap<NodeId, number>;
  readonly sights: readonly Sight[];
  readonly weights: readonly PlannedWeight[];
  /** Slot of each step's result. */
  readonly slots: ReadonlyMap<NodeId, number>;
  /** For a linear whose weight is computed: the slot of its transposed form. */
  readonly transposed: ReadonlyMap<Step, number>;
  readonly slotBytes: readonly number[];
  /** Bytes of the upload and of the read-back, at most. */
  readonly uploadBytes: number;
  readonly readBytes: number;
}

/** Places in the upload are multiples of this, in bytes. */
export const UPLOAD_ALIGNMENT = 16;

/** Bytes of a node's value with `size` of each dimension, rows padded to quads. */
export function valueBytes(graph: Graph, id: NodeId, size: (dimension: Dimension) => number): number {
  const { shape } = graph.types[id]!;
  const [rows, columns] = shape.length === 1 ? [1, size(shape[0]!)] : [size(shape[0]!), size(shape[1]!)];
  return rows * quads(columns) * 16;
}

/** The sight of an attention. */
export function sightOf(plan: Plan, node: AttentionNode): Sight {
  return plan.sights.find((sight) => matches(sight, node))!;
}

function structureOf({ visibility }: AttentionNode): NodeId {
  return visibility.kind === "ancestors" ? visibility.parents : visibility.segments;
}

function matches(sight: Omit<Sight, "list" | "ranges">, node: AttentionNode): boolean {
  return (
    sight.structure === structureOf(node) &&
    sight.kind === node.visibility.kind &&
    sight.queryRows === node.queryRows
  );
}

/** Number of rows of a node as kernels are told it. */
export function rowsOf(plan: Plan, id: NodeId): Size {
  const { shape } = plan.graph.types[id]!;
  const rows = shape.length === 1 ? 1 : shape[0]!;
  return typeof rows === "number" ? { literal: rows } : { word: plan.dimensions.get(rows)! };
}

/** Columns of a node; a list is one row. */
export function columnsOf(graph: Graph, id: NodeId): number {
  const { shape } = graph.types[id]!;
  return Number(shape[shape.length - 1]);
}

/** Plans a graph that `verify` has passed. */
export function makePlan(graph: Graph, options: { precision?: Precision; maxRows?: number }): Plan {
  const { precision = "float32", maxRows = DEFAULT_MAX_ROWS } = options;
  const steps = fuse(graph);
  const capacity = (dimension: Dimension): number => (typeof dimension === "number" ? dimension : maxRows);
  const bytes = (id: NodeId): number => valueBytes(graph, id, capacity);

  let words = 0;
  const dimensions = new Map<string, number>();
  for (const { shape } of graph.types) {
    for (const dimension of shape) {
      if (typeof dimension === "string" && !dimensions.has(dimension)) dimensions.set(dimension, words++);
    }
  }
  const inputs = new Map<NodeId, number>();
  let uploadBytes = 0;
  graph.nodes.forEach((node, id) => {
    if (node.op !== "input") return;
    inputs.set(id, words++);
    uploadBytes += bytes(id) + UPLOAD_ALIGNMENT;
  });
  const sights: Sight[] = [];
  for (const { node } of steps.filter((step): step is AttentionStep => step.op === "attention")) {
    if (sights.some((sight) => matches(sight, node))) continue;
    const { visibility, queryRows, contextLength } = node;
    const rows = capacity(graph.types[node.key.node]!.shape[0]!);
    const queries = capacity(graph.types[node.query.node]!.shape[0]!);
    sights.push({
      kind: visibility.kind,
      structure: structureOf(node),
      queryRows,
      contextLength,
      list: words++,
      ranges: words++,
    });
    uploadBytes += 4 * rows * Math.min(contextLength, rows) + 8 * queries + 2 * UPLOAD_ALIGNMENT;
  }
  uploadBytes += quads(words) * 16;

  const last = new Map<NodeId, number>();
  steps.forEach((step, index) => stepOperands(step).forEach((id) => last.set(id, index)));
  for (const id of Object.values(graph.outputs)) last.set(id, steps.length);
  const planner = new SlotPlanner();
  const slots = new Map<NodeId, number>();
  const transposed = new Map<Step, number>();
  steps.forEach((step, index) => {
    if (step.op === "linear" && graph.nodes[step.weight]!.op !== "weight") {
      const [rows, columns] = graph.types[step.weight]!.shape.map(capacity) as [number, number];
      transposed.set(step, planner.place(quads(columns) * 4 * quads(rows) * 16, index, index));
    }
    slots.set(step.y, planner.place(bytes(step.y), index, last.get(step.y) ?? index));
  });
  const outputs = [...new Set(Object.values(graph.outputs))];
  return {
    graph,
    steps,
    precision,
    maxRows,
    words,
    dimensions,
    inputs,
    sights,
    weights: planWeights(graph, steps, precision),
    slots,
    transposed,
    slotBytes: planner.bytes,
    uploadBytes,
    readBytes: outputs.reduce((sum, id) => sum + bytes(id), 0),
  };
}

function planWeights(graph: Graph, steps: readonly Step[], precision: Precision): PlannedWeight[] {
  const packed = new Set<NodeId>();
  const plain = new Set<NodeId>(Object.values(graph.outputs));
  for (const step of steps) {
    if (step.op !== "linear") {
      for (const id of stepOperands(step)) plain.add(id);
      continue;
    }
    packed.add(step.weight);
    for (const id of [step.x, step.bias, step.residual]) if (id !== undefined) plain.add(id);
  }
  return graph.nodes.flatMap((node, id) => {
    if (node.op !== "weight" || !(packed.has(id) || plain.has(id))) return [];
    return [
      {
        id,
        packed: packed.has(id) ? packedPrecision(node.shape[0]!, precision) : undefined,
        plain: plain.has(id),
      },
    ];
  });
}

/** Fewer outputs than this stay float32 where int8 is asked for: quantising them would cost accuracy and save nothing. */
const FEW_OUTPUTS = 8;

function packedPrecision(outputs: number, precision: Precision): Precision {
  return precision === "int8" && outputs < FEW_OUTPUTS ? "float32" : precision;
}
