/**
 * `lowerGraph`: a `Graph` as an ONNX graph of standard operators. Nothing is computed or read here; weights are only
 * named, and whoever makes a session hands them over in memory.
 *
 * The one thing ONNX cannot say is who sees whom: `parents` and `segments` leave the graph, and each attention takes
 * a dense mask instead, which is an input that the host makes for every run.
 */
import type { AttentionNode, Columns, Graph, Node, NodeId, Visibility, WeightNode } from "@textower/graph";
import type { OnnxAttribute, OnnxGraph, OnnxInitializer, OnnxNode, OnnxValue } from "./model-proto.js";

/** Slope of the sigmoid in QuickGELU: openai/CLIP, `clip/model.py`. */
const QUICK_GELU_SLOPE = 1.702;

/** A mask that a run has to bring along: see `buildMask`. The names are those of the graph's inputs. */
export interface MaskInput {
  /** Name of the ONNX input. float32 [m, n] */
  readonly name: string;
  readonly kind: Visibility["kind"];
  /** The input `parents` or `segments`. int32 [n] */
  readonly rows: string;
  /** The input that holds the query rows, if not all take part. int32 [m] */
  readonly queryRows?: string;
}

/**
 * What a weight is in the ONNX graph: an `input` that every run is given, or an `initializer`, whose contents stand
 * in a "file" and go to the session once.
 */
export type WeightForm = "input" | "initializer";

/** What `lowerGraph` makes. */
export interface LoweredGraph {
  readonly onnx: OnnxGraph;
  /** Inputs of the graph that are inputs of the ONNX graph too, by the same name. */
  readonly inputs: readonly string[];
  readonly masks: readonly MaskInput[];
  /** Output of the graph → output of the ONNX graph. Equal, unless an input has that name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The weights in the order of the graph's nodes, and the name of each as an ONNX input or "file". */
  readonly weights: readonly { readonly node: WeightNode; readonly name: string }[];
}

/** Lowers a graph that `verify` accepts. */
export function lowerGraph(graph: Graph, form: WeightForm): LoweredGraph {
  return new Lowering(graph, form).finish();
}

class Lowering {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxInitializer[] = [];
  readonly #weights: { node: WeightNode; name: string }[] = [];
  readonly #masks = new Map<string, MaskInput & { shape: OnnxValue["shape"] }>();
  readonly #constants = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #names: string[] = []; // of each node's value
  readonly #outputs: Record<string, string> = {};

  constructor(
    readonly graph: Graph,
    readonly form: WeightForm,
  ) {
    graph.nodes.forEach((node, id) => {
      if (node.op === "input") this.#names[id] = this.#unique(node.name);
    });
    // A value that is an output goes by the output's name, which saves a copy.
    for (const [name, id] of Object.entries(graph.outputs)) {
      this.#outputs[name] = this.#unique(name);
      const { op } = graph.nodes[id]!;
      if (op !== "input" && op !== "weight") this.#names[id] ??= this.#outputs[name]!;
    }
  }

  finish(): LoweredGraph {
    const { nodes, types, outputs } = this.graph;
    nodes.forEach((node, id) => {
      this.#names[id] ??= this.#unique(`${node.op}_${id}`);
      this.#lower(node, id);
    });
    for (const [name, id] of Object.entries(outputs)) {
      const to = this.#outputs[name]!;
      if (this.#names[id] !== to)
        this.#nodes.push({ op: "Identity", inputs: [this.#names[id]!], outputs: [to] });
    }
    const used = new Set(this.#nodes.flatMap((node) => node.inputs));
    const inputs = nodes.flatMap((node) => (node.op === "input" && used.has(node.name) ? [node] : []));
    const float = (name: string, shape: OnnxValue["shape"]): OnnxValue => ({ name, dtype: "float32", shape });
    const onnx = {
      nodes: this.#nodes,
      inputs: [
        ...inputs,
        ...[...this.#masks.values()].map(({ name, shape }) => float(name, shape)),
        ...(this.form === "input" ? this.#weights.map(({ name, node }) => float(name, node.shape)) : []),
      ],
      outputs: Object.entries(outputs).map(([name, id]) => float(this.#outputs[name]!, types[id]!.shape)),
      initializers: this.#initializers,
    };
    return {
      onnx,
      inputs: inputs.map(({ name }) => name),
      masks: [...this.#masks.values()],
      outputs: this.#outputs,
      weights: this.#weights,
    };
  }

  #lower(node: Node, id: NodeId): void {
    const to = this.#names[id]!;
    const name = (from: NodeId): string => this.#names[from]!;
    switch (node.op) {
      case "input":
        return;
      case "weight":
        return this.#weight(node, to);
      case "gather":
        return void this.#emit("Gather", [name(node.x), name(node.rows)], { axis: { int: 0 } }, to);
      case "concat":
        return void this.#emit("Concat", [name(node.a), name(node.b)], { axis: { int: 0 } }, to);
      case "add":
        return void this.#emit("Add", [name(node.a), name(node.b)], {}, to);
      case "layerNorm": {
        const attributes = { axis: { int: -1 }, epsilon: { float: node.epsilon } };
        const inputs = [name(node.x), name(node.weight), name(node.bias)];
        return void this.#emit("LayerNormalization", inputs, attributes, to);
      }
      case "linear": {
        // Gemm multiplies by the transpose, so the weight stays [out, in] as it is stored.
        const inputs = [
          name(node.x),
          name(node.weight),
          ...(node.bias === undefined ? [] : [name(node.bias)]),
        ];
        return void this.#emit("Gemm", inputs, { transB: { int: 1 } }, to);
      }
      case "gelu": {
        const x = name(node.x);
        if (node.form !== "quick") {
          const approximate = node.form === "tanh" ? "tanh" : "none";
          return void this.#emit("Gelu", [x], { approximate: { string: approximate } }, to);
        }
        const scaled = this.#emit("Mul", [x, this.#float(QUICK_GELU_SLOPE)]);
        return void this.#emit("Mul", [x, this.#emit("Sigmoid", [scaled])], {}, to);
      }
      case "attention":
        return this.#attention(node, to);
      default:
        node satisfies never;
    }
  }

  #weight(node: WeightNode, name: string): void {
    this.#weights.push({ node, name });
    if (this.form === "input") return;
    const byteLength = 4 * node.shape.reduce((count, size) => count * size, 1);
    this.#initializers.push({
      name,
      dtype: "float32",
      shape: node.shape,
      contents: { file: name, byteLength },
    });
  }

  /** With h heads of d columns: softmax(q · kᵀ / √d + mask) · v, all heads in one batched product. */
  #attention(node: AttentionNode, to: string): void {
    const width = node.query.end - node.query.begin;
    const size = width / node.heads;
    const mask = this.#mask(node);
    const q = this.#heads(node.query, node.heads, [1, 0, 2]); // [h, m, d]
    const k = this.#heads(node.key, node.heads, [1, 2, 0]); // [h, d, n]
    const v = this.#heads(node.value, node.heads, [1, 0, 2]); // [h, n, d]
    const scaled = this.#emit("Mul", [q, this.#float(1 / Math.sqrt(size))]); // [h, m, d]
    const scores = this.#emit("Add", [this.#emit("MatMul", [scaled, k]), mask]); // [h, m, n]
    const weights = this.#emit("Softmax", [scores], { axis: { int: -1 } }); // [h, m, n]
    const mixed = this.#emit("MatMul", [weights, v]); // [h, m, d]
    const rows = this.#emit("Transpose", [mixed], { perm: { ints: [1, 0, 2] } }); // [m, h, d]
    this.#emit("Reshape", [rows, this.#int64([0, width])], {}, to); // [m, c]
  }

  /** Columns cut into heads, [n, h, d] with its axes permuted. */
  #heads({ node, begin, end }: Columns, heads: number, perm: readonly number[]): string {
    let x = this.#names[node]!;
    if (begin > 0 || end < (this.graph.types[node]!.shape[1] as number)) {
      x = this.#emit("Slice", [x, this.#int64([begin]), this.#int64([end]), this.#int64([1])]); // [n, c]
    }
    const split = this.#emit("Reshape", [x, this.#int64([0, heads, (end - begin) / heads])]); // [n, h, d]
    return this.#emit("Transpose", [split], { perm: { ints: perm } });
  }

  /** One mask serves every attention with the same visibility and query rows. */
  #mask({ query, key, visibility, queryRows }: AttentionNode): string {
    const { kind } = visibility;
    const rows = this.#inputName(visibility.kind === "ancestors" ? visibility.parents : visibility.segments);
    const only = queryRows === undefined ? undefined : this.#inputName(queryRows);
    const id = JSON.stringify([kind, rows, only]);
    const known = this.#masks.get(id);
    if (known !== undefined) return known.name;
    const name = this.#unique(only === undefined ? `mask_${rows}` : `mask_${rows}_${only}`);
    const { types } = this.graph;
    const shape = [types[query.node]!.shape[0]!, types[key.node]!.shape[0]!];
    const mask = { name, kind, rows, shape };
    this.#masks.set(id, only === undefined ? mask : { ...mask, queryRows: only });
    return name;
  }

  /** Index lists are inputs: `verify` sees to it. */
  #inputName(id: NodeId): string {
    return this.#names[id]!;
  }

  #emit(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    to = this.#unique(`${op.toLowerCase()}_${this.#nodes.length}`),
  ): string {
    this.#nodes.push({ op, inputs, outputs: [to], attributes });
    return to;
  }

  #float(value: number): string {
    return this.#constant("float32", [], new Uint8Array(Float32Array.of(value).buffer));
  }

  #int64(values: readonly number[]): string {
    return this.#constant(
      "int64",
      [values.length],
      new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
    );
  }

  #constant(dtype: "float32" | "int64", shape: readonly number[], contents: Uint8Array): string {
    const key = `${dtype} ${contents.join(" ")}`;
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = this.#unique(`constant_${this.#constants.size}`);
      this.#constants.set(key, name);
      this.#initializers.push({ name, dtype, shape, contents });
    }
    return name;
  }

  #unique(wanted: string): string {
    let name = wanted;
    for (let n = 2; this.#taken.has(name); n++) name = `${wanted}_${n}`;
    this.#taken.add(name);
    return name;
  }
}
