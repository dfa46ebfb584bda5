/**
 * The typing rules: what a node may take, and the type of its result. The one place where shapes are checked;
 * `GraphBuilder` and `verify` both ask here.
 */
import { GraphError } from "./errors.js";
import type {
  AttentionNode,
  Columns,
  Dimension,
  LayerNormNode,
  LinearNode,
  Node,
  NodeId,
  ValueType,
} from "./graph.js";

/** A shape as text, `[rows, 512]`. */
export function formatShape(shape: readonly Dimension[]): string {
  return `[${shape.join(", ")}]`;
}

/**
 * The type of a node's result, given the types of all nodes before it.
 * @param types - types of the nodes before this one; operands must lie among them
 * @throws GraphError saying which operand of which op was wrong, what was expected and what came
 */
export function inferType(node: Node, types: readonly ValueType[]): ValueType {
  switch (node.op) {
    case "input":
      return inferInput(node.name, node.dtype, node.shape);
    case "weight":
      return inferWeight(node.source, node.shape, node.rows);
    case "gather": {
      const [, columns] = matrix(types, node.x, "gather", "x");
      const [count] = indices(types, node.rows, "gather", "rows");
      return float32([count, columns]);
    }
    case "concat": {
      const a = matrix(types, node.a, "concat", "a");
      const b = matrix(types, node.b, "concat", "b");
      expectShape(b, [b[0], a[1]], "concat", "b");
      const sum = typeof a[0] === "number" && typeof b[0] === "number" ? a[0] + b[0] : undefined;
      if (sum === undefined ? typeof node.rows !== "string" || node.rows === "" : node.rows !== sum) {
        throw new GraphError(`concat: expected rows ${sum ?? "with a name"}, got ${String(node.rows)}`);
      }
      return float32([node.rows, a[1]]);
    }
    case "add": {
      const a = matrix(types, node.a, "add", "a");
      const b = matrix(types, node.b, "add", "b");
      expectShape(b, a, "add", "b");
      return float32(a);
    }
    case "layerNorm":
      return inferLayerNorm(node, types);
    case "linear":
      return inferLinear(node, types);
    case "gelu": {
      if (!["quick", "erf", "tanh"].includes(node.form)) {
        throw new GraphError(`gelu: expected form quick, erf or tanh, got ${String(node.form)}`);
      }
      return float32(matrix(types, node.x, "gelu", "x"));
    }
    case "attention":
      return inferAttention(node, types);
    default:
      throw new GraphError(`graph: expected a known op, got ${String((node satisfies never as Node).op)}`);
  }
}

function inferInput(name: string, dtype: string, shape: readonly Dimension[]): ValueType {
  if (typeof name !== "string" || name === "")
    throw new GraphError("input: expected a name, got an empty one");
  if (dtype !== "float32" && dtype !== "int32") {
    throw new GraphError(`input ${name}: expected dtype float32 or int32, got ${dtype}`);
  }
  const wanted = dtype === "int32" ? 1 : 2;
  if (shape.length !== wanted) {
    throw new GraphError(
      `input ${name}: expected ${wanted} dimension(s) for ${dtype}, got ${formatShape(shape)}`,
    );
  }
  for (const dimension of shape) {
    if (typeof dimension === "string" ? dimension === "" : !isPositive(dimension)) {
      throw new GraphError(`input ${name}: expected named or positive dimensions, got ${formatShape(shape)}`);
    }
  }
  return { dtype, shape: [...shape] };
}

function inferWeight(
  source: string,
  shape: readonly number[],
  rows?: { begin: number; end: number },
): ValueType {
  if (typeof source !== "string" || source === "") throw new GraphError("weight: expected a source name");
  if ((shape.length !== 1 && shape.length !== 2) || !shape.every(isPositive)) {
    throw new GraphError(
      `weight ${source}: expected one or two positive dimensions, got ${formatShape(shape)}`,
    );
  }
  if (rows !== undefined) {
    const { begin, end } = rows;
    if (!Number.isInteger(begin) || !Number.isInteger(end) || begin < 0 || end - begin !== shape[0]) {
      throw new GraphError(
        `weight ${source}: expected a range of ${shape[0]} rows for shape ${formatShape(shape)}, got ${begin}…${end}`,
      );
    }
  }
  return float32(shape);
}

function inferLayerNorm(node: LayerNormNode, types: readonly ValueType[]): ValueType {
  const shape = matrix(types, node.x, "layerNorm", "x");
  expectShape(float(types, node.weight, "layerNorm", "weight"), [shape[1]], "layerNorm", "weight");
  expectShape(float(types, node.bias, "layerNorm", "bias"), [shape[1]], "layerNorm", "bias");
  if (!(node.epsilon > 0 && node.epsilon < 1)) {
    throw new GraphError(`layerNorm: expected 0 < epsilon < 1, got ${node.epsilon}`);
  }
  return float32(shape);
}

function inferLinear(node: LinearNode, types: readonly ValueType[]): ValueType {
  const [rows, width] = matrix(types, node.x, "linear", "x");
  const weight = float(types, node.weight, "linear", "weight");
  if (weight.length !== 2 || weight[1] !== width) {
    throw new GraphError(
      `linear: expected weight [out, ${width}] for x ${formatShape([rows, width])}, got ${formatShape(weight)}`,
    );
  }
  if (node.bias !== undefined) {
    expectShape(float(types, node.bias, "linear", "bias"), [weight[0]!], "linear", "bias");
  }
  return float32([rows, weight[0]!]);
}

function inferAttention(node: AttentionNode, types: readonly ValueType[]): ValueType {
  const [queries, width] = columnRange(types, node.query, "query");
  const [keys, keyWidth] = columnRange(types, node.key, "key");
  const [values, valueWidth] = columnRange(types, node.value, "value");
  if (keyWidth !== width || valueWidth !== width || keys !== values) {
    throw new GraphError(
      `attention: expected key and value [n, ${width}], got ${formatShape([keys, keyWidth])} and ${formatShape([values, valueWidth])}`,
    );
  }
  if (!isPositive(node.heads) || width % node.heads !== 0) {
    throw new GraphError(`attention: expected heads that divide ${width}, got ${node.heads}`);
  }
  if (!isPositive(node.contextLength)) {
    throw new GraphError(`attention: expected a positive contextLength, got ${node.contextLength}`);
  }
  const structure =
    node.visibility.kind === "ancestors"
      ? indices(types, node.visibility.parents, "attention", "parents")
      : indices(types, node.visibility.segments, "attention", "segments");
  expectShape(structure, [keys], "attention", node.visibility.kind);
  const places =
    node.queryRows === undefined ? [keys] : indices(types, node.queryRows, "attention", "queryRows");
  expectShape(places, [queries], "attention", node.queryRows === undefined ? "query" : "queryRows");
  return float32([queries, width]);
}

function columnRange(
  types: readonly ValueType[],
  columns: Columns,
  operand: string,
): readonly [Dimension, number] {
  const [rows, width] = matrix(types, columns.node, "attention", operand);
  const { begin, end } = columns;
  const fits = Number.isInteger(begin) && Number.isInteger(end) && 0 <= begin && begin < end;
  if (!fits || typeof width !== "number" || end > width) {
    throw new GraphError(`attention: expected ${operand} columns within 0…${width}, got ${begin}…${end}`);
  }
  return [rows, end - begin];
}

function operandType(types: readonly ValueType[], id: NodeId, op: string, operand: string): ValueType {
  const type = Number.isInteger(id) ? types[id] : undefined;
  if (type === undefined) {
    throw new GraphError(
      `${op}: expected ${operand} to be one of the ${types.length} nodes before it, got ${id}`,
    );
  }
  return type;
}

function float(types: readonly ValueType[], id: NodeId, op: string, operand: string): readonly Dimension[] {
  const { dtype, shape } = operandType(types, id, op, operand);
  if (dtype !== "float32") throw new GraphError(`${op}: expected ${operand} in float32, got ${dtype}`);
  return shape;
}

function matrix(
  types: readonly ValueType[],
  id: NodeId,
  op: string,
  operand: string,
): [Dimension, Dimension] {
  const shape = float(types, id, op, operand);
  if (shape.length !== 2) {
    throw new GraphError(`${op}: expected ${operand} with two dimensions, got ${formatShape(shape)}`);
  }
  return [shape[0]!, shape[1]!];
}

function indices(types: readonly ValueType[], id: NodeId, op: string, operand: string): [Dimension] {
  const { dtype, shape } = operandType(types, id, op, operand);
  if (dtype !== "int32" || shape.length !== 1) {
    throw new GraphError(`${op}: expected ${operand} int32 [m], got ${dtype} ${formatShape(shape)}`);
  }
  return [shape[0]!];
}

function expectShape(
  got: readonly Dimension[],
  expected: readonly Dimension[],
  op: string,
  operand: string,
): void {
  if (got.length !== expected.length || got.some((dimension, i) => dimension !== expected[i])) {
    throw new GraphError(`${op}: expected ${operand} ${formatShape(expected)}, got ${formatShape(got)}`);
  }
}

function isPositive(dimension: number): boolean {
  return Number.isInteger(dimension) && dimension > 0;
}

function float32(shape: readonly Dimension[]): ValueType {
  return { dtype: "float32", shape: [...shape] };
}
