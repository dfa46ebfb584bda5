/**
 * `GraphBuilder`: appends nodes, one method per op, every shape checked as it is added. Values are plain handles.
 * Not here: optimisation. What is added is what stands in the graph, so that it prints as it was written.
 */
import { GraphError } from "./errors.js";
import type {
  Columns,
  Dimension,
  GeluForm,
  Graph,
  Node,
  NodeId,
  RowRange,
  ValueType,
  Visibility,
} from "./graph.js";
import { inferType } from "./infer.js";

/** A node's result, as the builder hands it out. */
export interface Value {
  readonly id: NodeId;
  readonly shape: readonly Dimension[];
}

/** A value, or some of its columns: see `columns`. */
export type ColumnsOf = Value | { readonly value: Value; readonly begin: number; readonly end: number };

/** Columns `begin` ≤ column < `end` of a value, as an operand of `attention`. */
export function columns(value: Value, begin: number, end: number): ColumnsOf {
  return { value, begin, end };
}

/** Operands and parameters of `GraphBuilder.attention`: see `AttentionNode`. */
export interface AttentionArguments {
  query: ColumnsOf;
  key: ColumnsOf;
  value: ColumnsOf;
  heads: number;
  contextLength: number;
  visibility: { kind: "ancestors"; parents: Value } | { kind: "segments"; segments: Value };
  queryRows?: Value;
}

/**
 * Builds a `Graph`. Every method throws GraphError on operands that do not fit.
 * @example
 * const g = new GraphBuilder();
 * const x = g.input("x", "float32", ["rows", 4]);
 * const y = g.linear(x, g.weight("w", [8, 4]));
 * const graph = g.build({ y });
 */
export class GraphBuilder {
  readonly #nodes: Node[] = [];
  readonly #types: ValueType[] = [];
  readonly #weights = new Map<string, Value>();

  /** An input of every run. @throws GraphError also if the name is taken */
  input(
    name: string,
    dtype: "float32" | "int32",
    shape: readonly Dimension[],
    options: { readonly mayBeEmpty?: boolean } = {},
  ): Value {
    if (this.#nodes.some((node) => node.op === "input" && node.name === name)) {
      throw new GraphError(`input: expected a name that is free, got ${name} again`);
    }
    return this.#append({ op: "input", name, dtype, shape: [...shape], ...options });
  }

  /** A parameter: see `WeightNode`. Asking again for the same one returns the same value. */
  weight(source: string, shape: readonly number[], rows?: RowRange): Value {
    const key = JSON.stringify([source, shape, rows?.begin, rows?.end]);
    const known = this.#weights.get(key);
    if (known !== undefined) return known;
    const node = { op: "weight", source, shape: [...shape] } as const;
    const value = this.#append(rows === undefined ? node : { ...node, rows });
    this.#weights.set(key, value);
    return value;
  }

  /** `y[i] = x[rows[i]]`: see `GatherNode`. */
  gather(x: Value, rows: Value): Value {
    return this.#append({ op: "gather", x: this.#own(x), rows: this.#own(rows) });
  }

  /** The rows of `a`, then those of `b`: see `ConcatNode`. */
  concat(a: Value, b: Value, rows: Dimension): Value {
    return this.#append({ op: "concat", a: this.#own(a), b: this.#own(b), rows });
  }

  /** `y = a + b`: see `AddNode`. */
  add(a: Value, b: Value): Value {
    return this.#append({ op: "add", a: this.#own(a), b: this.#own(b) });
  }

  /** See `LayerNormNode`. */
  layerNorm(x: Value, weight: Value, bias: Value, epsilon: number): Value {
    return this.#append({
      op: "layerNorm",
      x: this.#own(x),
      weight: this.#own(weight),
      bias: this.#own(bias),
      epsilon,
    });
  }

  /** `y = x · weightᵀ + bias`: see `LinearNode`. */
  linear(x: Value, weight: Value, bias?: Value): Value {
    const node = { op: "linear", x: this.#own(x), weight: this.#own(weight) } as const;
    return this.#append(bias === undefined ? node : { ...node, bias: this.#own(bias) });
  }

  /** See `GeluForm`. */
  gelu(x: Value, form: GeluForm): Value {
    return this.#append({ op: "gelu", x: this.#own(x), form });
  }

  /** See `AttentionNode`. */
  attention({ query, key, value, heads, contextLength, visibility, queryRows }: AttentionArguments): Value {
    const node = {
      op: "attention",
      query: this.#columns(query),
      key: this.#columns(key),
      value: this.#columns(value),
      heads,
      visibility: this.#visibility(visibility),
      contextLength,
    } as const;
    return this.#append(queryRows === undefined ? node : { ...node, queryRows: this.#own(queryRows) });
  }

  /**
   * The finished graph. The builder may go on; graphs already built do not change.
   * @param outputs - name → value; at least one
   */
  build(outputs: Readonly<Record<string, Value>>): Graph {
    const ids = Object.entries(outputs).map(([name, value]) => [name, this.#own(value)] as const);
    if (ids.length === 0) throw new GraphError("build: expected at least one output, got none");
    for (const [name, id] of ids) {
      if (this.#types[id]!.dtype !== "float32") {
        throw new GraphError(`build: expected output ${name} in float32, got ${this.#types[id]!.dtype}`);
      }
    }
    return { nodes: [...this.#nodes], types: [...this.#types], outputs: Object.fromEntries(ids) };
  }

  #append(node: Node): Value {
    const type = inferType(node, this.#types);
    this.#types.push(type);
    return { id: this.#nodes.push(node) - 1, shape: type.shape };
  }

  /** A handle of another builder has an id too, but hardly ever the same shape object. */
  #own(value: Value): NodeId {
    if (this.#types[value.id]?.shape !== value.shape) {
      throw new GraphError(
        `builder: expected a value of this builder, got one of another (node ${value.id})`,
      );
    }
    return value.id;
  }

  #columns(operand: ColumnsOf): Columns {
    if (!("value" in operand)) {
      const width = operand.shape[1];
      return { node: this.#own(operand), begin: 0, end: typeof width === "number" ? width : 0 };
    }
    return { node: this.#own(operand.value), begin: operand.begin, end: operand.end };
  }

  #visibility(visibility: AttentionArguments["visibility"]): Visibility {
    return visibility.kind === "ancestors"
      ? { kind: "ancestors", parents: this.#own(visibility.parents) }
      : { kind: "segments", segments: this.#own(visibility.segments) };
  }
}
