/**
 * What a run was handed, held against the graph. Every backend calls `checkInputs` before it computes anything, so
 * that no backend has to defend its kernels against an index out of range.
 */
import { InputError } from "./errors.js";
import type { AttentionNode, Dimension, Graph, NodeId } from "./graph.js";
import { formatShape } from "./infer.js";
import type { Tensor } from "./tensor.js";

/** Inputs of a run by name: float32 matrices and int32 index lists. */
export type Inputs = Readonly<Record<string, Tensor>>;

/** The size that each named dimension has in a run. */
export type Dimensions = ReadonlyMap<string, number>;

/**
 * Checks the inputs of a run: all there and no others, dtypes, shapes, one size per named dimension, indices within
 * the rows they index, `parents[i]` in −1 … i − 1, segments in order, no row seeing more than `contextLength` rows.
 * @returns the size of each named dimension
 * @throws InputError naming the input, what was expected and what came
 */
export function checkInputs(graph: Graph, inputs: Inputs): Dimensions {
  const dimensions = bindDimensions(graph, inputs);
  const reader = new IndexReader(graph, inputs, dimensions);
  for (const node of graph.nodes) {
    if (node.op === "gather") reader.checkRows(node.rows, reader.size(node.x));
    else if (node.op === "attention") checkAttention(node, reader);
  }
  return dimensions;
}

/** A shape of the graph with the sizes of a run put in. */
export function bindShape(shape: readonly Dimension[], dimensions: Dimensions): number[] {
  return shape.map((dimension) => {
    const size = typeof dimension === "number" ? dimension : dimensions.get(dimension);
    if (size === undefined)
      throw new InputError(`run: expected an input that fixes dimension ${dimension}, got none`);
    return size;
  });
}

function bindDimensions(graph: Graph, inputs: Inputs): Map<string, number> {
  const dimensions = new Map<string, number>();
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (node.op !== "input") continue;
    names.add(node.name);
    const given = Object.hasOwn(inputs, node.name) ? inputs[node.name] : undefined;
    if (given === undefined) throw new InputError(`run: expected input ${node.name}, got none`);
    const who = `input ${node.name}`;
    if (given.dtype !== node.dtype)
      throw new InputError(`${who}: expected ${node.dtype}, got ${given.dtype}`);
    const fits = given.shape.length === node.shape.length;
    if (!fits || given.data.length !== given.shape.reduce((count, size) => count * size, 1)) {
      throw new InputError(
        `${who}: expected ${formatShape(node.shape)}, got ${formatShape(given.shape)} with ${given.data.length} elements`,
      );
    }
    node.shape.forEach((dimension, axis) => {
      const size = given.shape[axis]!;
      const expected = typeof dimension === "number" ? dimension : (dimensions.get(dimension) ?? size);
      if (size !== expected || (size === 0 && !node.mayBeEmpty)) {
        const wanted = size === expected ? "at least one" : `${expected}`;
        throw new InputError(
          `${who}: expected ${wanted} for dimension ${dimension}, got ${formatShape(given.shape)}`,
        );
      }
      if (typeof dimension === "string") dimensions.set(dimension, size);
    });
  }
  for (const name of Object.keys(inputs)) {
    if (!names.has(name)) {
      throw new InputError(
        `run: expected inputs ${[...names].join(", ")}, got ${name}, which the graph does not have`,
      );
    }
  }
  for (const node of graph.nodes) {
    if (node.op !== "concat" || typeof node.rows !== "string") continue;
    const [a, b] = [node.a, node.b].map((id) => bindShape(graph.types[id]!.shape, dimensions)[0]!) as [
      number,
      number,
    ];
    if ((dimensions.get(node.rows) ?? a + b) !== a + b) {
      throw new InputError(
        `run: expected ${a} + ${b} for dimension ${node.rows}, got ${dimensions.get(node.rows)}`,
      );
    }
    dimensions.set(node.rows, a + b);
  }
  return dimensions;
}

/** Reads the index lists of a run by node. */
class IndexReader {
  constructor(
    readonly graph: Graph,
    readonly inputs: Inputs,
    readonly dimensions: Dimensions,
  ) {}

  /** Rows of a node's value. */
  size(id: NodeId): number {
    return bindShape(this.graph.types[id]!.shape, this.dimensions)[0]!;
  }

  list(id: NodeId): { name: string; values: Int32Array } {
    const node = this.graph.nodes[id]!;
    if (node.op !== "input") throw new InputError(`run: expected node ${id} to be an input, got ${node.op}`);
    return { name: node.name, values: this.inputs[node.name]!.data as Int32Array };
  }

  checkRows(id: NodeId, limit: number): Int32Array {
    const { name, values } = this.list(id);
    values.forEach((row, i) => {
      if (row < 0 || row >= limit) {
        throw new InputError(`input ${name}: expected rows in 0…${limit - 1}, got ${row} at ${i}`);
      }
    });
    return values;
  }
}

function checkAttention(node: AttentionNode, reader: IndexReader): void {
  const { visibility, contextLength } = node;
  if (node.queryRows !== undefined) reader.checkRows(node.queryRows, reader.size(node.key.node));
  if (visibility.kind === "ancestors") {
    const { name, values } = reader.list(visibility.parents);
    const depth = new Int32Array(values.length);
    values.forEach((parent, row) => {
      if (parent < -1 || parent >= row) {
        throw new InputError(
          `input ${name}: expected a parent in -1…${row - 1} for row ${row}, got ${parent}`,
        );
      }
      depth[row] = parent < 0 ? 1 : depth[parent]! + 1;
      if (depth[row]! > contextLength) throw tooLong(name, contextLength, depth[row]!, row);
    });
    return;
  }
  const { name, values } = reader.list(visibility.segments);
  let length = 0;
  values.forEach((segment, row) => {
    const previous = row === 0 ? -1 : values[row - 1]!;
    if (segment < 0 || segment < previous) {
      throw new InputError(
        `input ${name}: expected segments from 0 in ascending order, got ${segment} at row ${row}`,
      );
    }
    length = segment === previous ? length + 1 : 1;
    if (length > contextLength) throw tooLong(name, contextLength, length, row);
  });
}

function tooLong(name: string, contextLength: number, length: number, row: number): InputError {
  return new InputError(
    `input ${name}: expected each row to see at most contextLength = ${contextLength} rows, got ${length} at row ${row}`,
  );
}
