/**
 * `makePlan`: where everything lies in wasm memory. All of it is arithmetic over the graph, done before any weight is
 * read or any memory asked for.
 *
 * The memory, from 0: control words · constants · program · zeros · scratch of each thread · weights · arena. While
 * weights are loaded, the arena holds the slab that is being packed.
 */
import { DEFAULT_MAX_ROWS, UnsupportedError } from "@textower/graph";
import type { Dimension, Graph, NodeId, Precision } from "@textower/graph";
import { aligned, placeBuffers } from "./arena.js";
import { PANEL_COLUMNS, PANELS_PER_GROUP, RECORD_BYTES } from "./record.js";
import { lower } from "./lower.js";
import type { Lowered } from "./lower.js";
import { operands } from "./steps.js";
import type { Step, ValueId } from "./steps.js";

/** WebAssembly memory with 32-bit addresses. */
const MEMORY_LIMIT = 2 ** 32;
const PAGE_BYTES = 65536;
/** Bytes before the program: words that threads meet at, and constants. Nothing lies at address 0. */
const CONTROL_BYTES = 1024;
/** Panels of one block of k in float32, where float16 is widened to: `K_BLOCK` in `assembly/linear.ts`. */
const WIDENED_BYTES = 512 * PANEL_COLUMNS * PANELS_PER_GROUP * 4;

/** Where a linear's weight lies, and in what form. */
export interface PackedWeight {
  readonly precision: Precision;
  readonly address: number;
  /** int8 only: one float32 per output, padded to whole panels. */
  readonly scales: number;
  /** Outputs and inputs of the weight. */
  readonly rows: number;
  readonly columns: number;
}

/** A buffer of the arena, for tests. */
export interface ArenaBuffer {
  readonly value: ValueId;
  readonly address: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** Addresses, sizes and steps. Addresses are bytes from the start of the memory. */
export interface Plan {
  readonly graph: Graph;
  readonly lowered: Lowered;
  readonly precision: Precision;
  readonly maxRows: number;
  readonly program: number;
  /** Zeros, as long as the widest linear without a bias. */
  readonly zeros: number;
  readonly scratch: number;
  /** Bytes of scratch of one thread. */
  readonly scratchBytes: number;
  /** Bytes of one list of visible rows in the scratch. */
  readonly listBytes: number;
  /** Linear weights, by weight node. */
  readonly packed: ReadonlyMap<NodeId, PackedWeight>;
  /** Where each value lies: nodes, and forms beyond them. Packed weights are in `packed`. */
  readonly addresses: ReadonlyMap<ValueId, number>;
  readonly arena: {
    readonly address: number;
    readonly bytes: number;
    readonly buffers: readonly ArenaBuffer[];
  };
  /** Pages of the memory. */
  readonly pages: number;
}

/** What a plan is made for. */
export interface PlanOptions {
  readonly precision?: Precision;
  readonly maxRows?: number;
  readonly threads?: number;
  /** Bytes kept free around every buffer of the arena. Default 0. */
  readonly guard?: number;
}

/** Bytes of a row of `columns` float32, padded to whole panels. */
export function rowBytes(columns: number): number {
  return panelsOf(columns) * PANEL_COLUMNS * 4;
}

/** Panels of a weight with `outputs` outputs. */
export function panelsOf(outputs: number): number {
  return Math.ceil(outputs / PANEL_COLUMNS);
}

/** Bytes of one panel of a weight with `inputs` inputs. int8 keeps inputs in pairs. */
export function panelBytes(inputs: number, precision: Precision): number {
  if (precision === "int8") return Math.ceil(inputs / 2) * 2 * PANEL_COLUMNS;
  return inputs * PANEL_COLUMNS * (precision === "float16" ? 2 : 4);
}

/** Bytes of a quantised row: its scale, padded to 16 bytes, then 16-bit integers in pairs. */
export function quantisedRowBytes(columns: number): number {
  return 16 + Math.ceil(columns / 8) * 16;
}

/**
 * @throws UnsupportedError if the memory would be larger than WebAssembly can address
 */
export function makePlan(graph: Graph, options: PlanOptions = {}): Plan {
  const { precision = "float32", maxRows = DEFAULT_MAX_ROWS, threads = 1, guard = 0 } = options;
  const lowered = lower(graph, precision);
  const capacity = (dimension: Dimension | undefined): number =>
    typeof dimension === "number" ? dimension : dimension === undefined ? 1 : maxRows;
  const { steps } = lowered;

  let end = CONTROL_BYTES;
  const take = (bytes: number): number => {
    const at = end;
    end += aligned(bytes);
    return at;
  };
  const program = take(steps.length * RECORD_BYTES);
  const zeros = take(Math.max(0, ...steps.map((step) => zeroBytes(step, graph, capacity))));
  const listBytes = Math.max(0, ...steps.map((step) => visibleBytes(step, graph, capacity)));
  const scratchBytes = aligned(2 * listBytes + (precision === "float16" ? WIDENED_BYTES : 0));
  const scratch = take(scratchBytes * threads);

  const packed = new Map<NodeId, PackedWeight>();
  const addresses = new Map<ValueId, number>();
  let slabBytes = 0;
  for (const weight of lowered.weights) {
    const [rows, columns] = matrixShape(graph, weight.id, capacity);
    if (weight.packed !== undefined) {
      const address = take(panelsOf(rows) * panelBytes(columns, weight.packed));
      const scales = weight.packed === "int8" ? take(rowBytes(rows)) : 0;
      packed.set(weight.id, { precision: weight.packed, address, scales, rows, columns });
      slabBytes = Math.max(slabBytes, 2 * PANEL_COLUMNS * aligned(columns * 4));
    }
    if (weight.plain) addresses.set(weight.id, take(rows * rowBytes(columns)));
  }

  const lives = lifetimes(lowered, graph, capacity);
  const placement = placeBuffers(lives, guard);
  const arena = take(Math.max(placement.bytes, slabBytes));
  const buffers = lives.map((life, i) => ({ ...life, address: arena + placement.offsets[i]! }));
  for (const { value, address } of buffers) addresses.set(value, address);

  if (end > MEMORY_LIMIT) {
    const gigabytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(2);
    throw new UnsupportedError(
      `wasm: expected at most 4 GiB of memory, got ${gigabytes(end)} GiB: ` +
        `${gigabytes(arena)} for weights in ${precision} and ${gigabytes(end - arena)} for up to ${maxRows} rows`,
    );
  }
  return {
    graph,
    lowered,
    precision,
    maxRows,
    program,
    zeros,
    scratch,
    scratchBytes,
    listBytes,
    packed,
    addresses,
    arena: { address: arena, bytes: end - arena, buffers },
    pages: Math.ceil(end / PAGE_BYTES),
  };
}

type Capacity = (dimension: Dimension | undefined) => number;

/** Rows and columns of a node; a list is one row. */
function matrixShape(graph: Graph, id: NodeId, capacity: Capacity): [number, number] {
  const { shape } = graph.types[id]!;
  return shape.length === 1 ? [1, capacity(shape[0])] : [capacity(shape[0]), capacity(shape[1])];
}

function zeroBytes(step: Step, graph: Graph, capacity: Capacity): number {
  if (step.op !== "linear" || step.bias !== undefined) return 0;
  return rowBytes(matrixShape(graph, step.weight, capacity)[0]);
}

function visibleBytes(step: Step, graph: Graph, capacity: Capacity): number {
  if (step.op !== "attention") return 0;
  const [rows] = matrixShape(graph, step.node.key.node, capacity);
  return Math.ceil(Math.min(step.node.contextLength, rows) / 4) * 16;
}

/** Buffers of inputs, of steps' results and of their forms. */
function lifetimes(lowered: Lowered, graph: Graph, capacity: Capacity): Omit<ArenaBuffer, "address">[] {
  const { steps, forms } = lowered;
  const lives = new Map<ValueId, { bytes: number; first: number; last: number }>();
  const nodeBytes = (id: NodeId): number => {
    const [rows, columns] = matrixShape(graph, id, capacity);
    return rows * rowBytes(columns);
  };
  graph.nodes.forEach((node, id) => {
    if (node.op === "input") lives.set(id, { bytes: nodeBytes(id), first: -1, last: -1 });
  });
  steps.forEach((step, index) => {
    for (const id of operands(step)) {
      const life = lives.get(id);
      if (life !== undefined) life.last = index;
    }
    let bytes: number;
    if (step.op === "pack" || step.op === "quantise") {
      const [rows, columns] = matrixShape(graph, forms[step.y - graph.nodes.length]!, capacity);
      bytes =
        step.op === "pack"
          ? panelsOf(rows) * panelBytes(columns, "float32")
          : rows * quantisedRowBytes(columns);
    } else {
      bytes = nodeBytes(step.y);
    }
    lives.set(step.y, { bytes, first: index, last: index });
  });
  for (const id of Object.values(graph.outputs)) {
    const life = lives.get(id);
    if (life !== undefined) life.last = steps.length;
  }
  return [...lives].map(([value, life]) => ({ value, ...life }));
}
