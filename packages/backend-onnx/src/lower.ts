/**
 * `lowerGraph`: a `Graph` as an ONNX graph of standard operators. Nothing is computed or read here; weights are only
 * named, and whoever makes a session hands them over in memory.
 *
 * The one thing ONNX cannot say is who sees whom: `parents` and `segments` leave the graph, and each attention takes
 * a dense mask instead, which is an input that the host makes for every run.
 */
import { BYTES_PER_ELEMENT, elementCount } from "@textower/graph";
import type {
  AttentionNode,
  Columns,
  Graph,
  InputNode,
  Node,
  NodeId,
  Visibility,
  WeightNode,
} from "@textower/graph";
import { DATA_TYPES } from "./model-proto.js";
import type { OnnxAttribute, OnnxGraph, OnnxInitializer, OnnxNode, OnnxValue } from "./model-proto.js";

/** Slope of the sigmoid in QuickGELU: openai/CLIP, `clip/model.py`. */
const QUICK_GELU_SLOPE = 1.702;
/** Twice √(2/π), and the cubic's factor: see `GeluForm`. */
const TANH_GELU_SLOPE = 2 * Math.sqrt(2 / Math.PI);
const TANH_GELU_CUBIC = 0.044715;

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

/** How the weights of `linear` nodes are stored; sums are float32 either way. */
export type WeightDtype = "float32" | "float16";

/** A weight, and how it goes into the ONNX graph. */
export interface LoweredWeight {
  readonly node: WeightNode;
  /** Name of the ONNX input or "file". */
  readonly name: string;
  readonly dtype: WeightDtype;
}

/** What `lowerGraph` makes. */
export interface LoweredGraph {
  readonly onnx: OnnxGraph;
  /** Inputs of the graph that are inputs of the ONNX graph too, by the same name. */
  readonly inputs: readonly string[];
  readonly masks: readonly MaskInput[];
  /** Output of the graph → output of the ONNX graph. Equal, unless an input has that name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The weights, in the order of the graph's nodes. */
  readonly weights: readonly LoweredWeight[];
}

/** Lowers a graph that `verify` accepts. */
export function lowerGraph(
  graph: Graph,
  form: WeightForm,
  linearDtype: WeightDtype = "float32",
): LoweredGraph {
  return new Lowering(graph, form, linearDtype).finish();
}

/** A lowering in progress; `lower-text.ts` has one with other inputs. */
export class Lowering {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxInitializer[] = [];
  readonly #weights: LoweredWeight[] = [];
  readonly #masks = new Map<string, MaskInput & { shape: OnnxValue["shape"] }>();
  readonly #constants = new Map<string, string>();
  readonly #taken = new Set<string>();
  /** Name of each node's value. */
  protected readonly names: string[] = [];
  readonly #outputs: Record<string, string> = {};

  readonly #linearWeights: ReadonlySet<NodeId>;

  constructor(
    protected readonly graph: Graph,
    protected readonly form: WeightForm,
    protected readonly linearDtype: WeightDtype,
  ) {
    this.#linearWeights = new Set(graph.nodes.flatMap((node) => (node.op === "linear" ? [node.weight] : [])));
    graph.nodes.forEach((node, id) => {
      if (node.op === "input") this.names[id] = this.#unique(node.name);
    });
    // A value that is an output goes by the output's name, which saves a copy.
    for (const [name, id] of Object.entries(graph.outputs)) {
      this.#outputs[name] = this.#unique(name);
      const { op } = graph.nodes[id]!;
      if (op !== "input" && op !== "weight") this.names[id] ??= this.#outputs[name]!;
    }
  }

  finish(): LoweredGraph {
    const { nodes, types, outputs } = this.graph;
    nodes.forEach((node, id) => {
      this.names[id] ??= this.#unique(`${node.op}_${id}`);
      this.#lower(node, id);
    });
    for (const [name, id] of Object.entries(outputs)) {
      const to = this.#outputs[name]!;
      if (this.names[id] !== to)
        this.#nodes.push({ op: "Identity", inputs: [this.names[id]!], outputs: [to] });
    }
    const used = new Set(this.#nodes.flatMap((node) => node.inputs));
    const inputs = nodes.flatMap((node) => (node.op === "input" && used.has(node.name) ? [node] : []));
    const float = (name: string, shape: OnnxValue["shape"]): OnnxValue => ({ name, dtype: "float32", shape });
    const onnx = {
      nodes: this.#nodes,
      inputs: [
        ...inputs,
        ...[...this.#masks.values()].map(({ name, shape }) => float(name, shape)),
        ...(this.form === "input"
          ? this.#weights.map(({ name, node, dtype }) => ({ name, dtype, shape: node.shape }))
          : []),
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
    const to = this.names[id]!;
    const name = (from: NodeId): string => this.names[from]!;
    switch (node.op) {
      case "input":
        return this.input(node, to);
      case "weight":
        return this.#weightValue(node, id, to);
      case "gather":
        return void this.emit("Gather", [name(node.x), name(node.rows)], { axis: { int: 0 } }, to);
      case "concat":
        return void this.emit("Concat", [name(node.a), name(node.b)], { axis: { int: 0 } }, to);
      case "add":
        return void this.emit("Add", [name(node.a), name(node.b)], {}, to);
      case "layerNorm": {
        const attributes = { axis: { int: -1 }, epsilon: { float: node.epsilon } };
        const inputs = [name(node.x), name(node.weight), name(node.bias)];
        return void this.emit("LayerNormalization", inputs, attributes, to);
      }
      case "linear": {
        // Gemm multiplies by the transpose, so the weight stays [out, in] as it is stored.
        const inputs = [
          name(node.x),
          name(node.weight),
          ...(node.bias === undefined ? [] : [name(node.bias)]),
        ];
        return void this.emit("Gemm", inputs, { transB: { int: 1 } }, to);
      }
      case "gelu": {
        const x = name(node.x);
        if (node.form === "erf") {
          return void this.emit("Gelu", [x], { approximate: { string: "none" } }, to);
        }
        let exponent: string;
        if (node.form === "quick") {
          exponent = this.emit("Mul", [x, this.float(QUICK_GELU_SLOPE)]);
        } else {
          // ½ (1 + tanh z) is σ(2z). Gelu's own tanh form is the erf form on the WebGPU provider of onnxruntime-web 1.30.
          const cubic = this.emit("Mul", [
            this.emit("Mul", [x, x]),
            this.float(TANH_GELU_SLOPE * TANH_GELU_CUBIC),
          ]);
          exponent = this.emit("Mul", [x, this.emit("Add", [cubic, this.float(TANH_GELU_SLOPE)])]);
        }
        return void this.emit("Mul", [x, this.emit("Sigmoid", [exponent])], {}, to);
      }
      case "attention":
        return this.#attention(node, to);
      default:
        node satisfies never;
    }
  }

  /** Where an input's values come from: here the ONNX graph has an input of its name. */
  protected input(_node: InputNode, _to: string): void {}

  #weightValue(node: WeightNode, id: NodeId, to: string): void {
    if (this.linearDtype === "float32" || !this.#linearWeights.has(id))
      return this.weight(node, to, "float32");
    const stored = this.#unique(`${to}_float16`);
    this.weight(node, stored, "float16");
    this.emit("Cast", [stored], { to: { int: DATA_TYPES.float32 } }, to);
  }

  /** Adds a weight under that name. */
  protected weight(node: WeightNode, name: string, dtype: WeightDtype): void {
    this.#weights.push({ node, name, dtype });
    if (this.form === "input") return;
    const byteLength = BYTES_PER_ELEMENT[dtype] * elementCount(node.shape);
    const contents = { file: name, offset: 0, byteLength };
    this.#initializers.push({ name, dtype, shape: node.shape, contents });
  }

  /** With h heads of d columns: softmax(q · kᵀ / √d + mask) · v, all heads in one batched product. */
  #attention(node: AttentionNode, to: string): void {
    const width = node.query.end - node.query.begin;
    const q = this.split(this.#columns(node.query), node.heads, width, "rows"); // [h, m, d]
    const k = this.split(this.#columns(node.key), node.heads, width, "columns"); // [h, d, n]
    const v = this.split(this.#columns(node.value), node.heads, width, "rows"); // [h, n, d]
    const scaled = this.emit("Mul", [q, this.float(1 / Math.sqrt(width / node.heads))]); // [h, m, d]
    const scores = this.masked(this.emit("MatMul", [scaled, k]), node); // [h, m, n]
    const weights = this.emit("Softmax", [scores], { axis: { int: -1 } }); // [h, m, n]
    this.join(this.emit("MatMul", [weights, v]), width, to); // [m, c]
  }

  #columns({ node, begin, end }: Columns): string {
    const x = this.names[node]!;
    if (begin === 0 && end === this.graph.types[node]!.shape[1]) return x;
    return this.emit("Slice", [x, this.int64([begin]), this.int64([end]), this.int64([1])]); // [n, c]
  }

  /** Cuts [n, c] into heads: [h, n, d] with a token in each of the `rows`, or [h, d, n] with one in each of the `columns`. */
  protected split(x: string, heads: number, width: number, tokens: "rows" | "columns"): string {
    const cut = this.emit("Reshape", [x, this.int64([0, heads, width / heads])]); // [n, h, d]
    return this.emit("Transpose", [cut], { perm: { ints: tokens === "rows" ? [1, 0, 2] : [1, 2, 0] } });
  }

  /** The way back: [h, m, d] to [m, c]. */
  protected join(x: string, width: number, to: string): void {
    const rows = this.emit("Transpose", [x], { perm: { ints: [1, 0, 2] } }); // [m, h, d]
    this.emit("Reshape", [rows, this.int64([0, width])], {}, to);
  }

  /** Scores with those of rows that are not seen at −∞. */
  protected masked(scores: string, node: AttentionNode): string {
    return this.emit("Add", [scores, this.#mask(node)]);
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
    return this.names[id]!;
  }

  /** Adds a node. @returns the name of what it makes */
  protected emit(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    to = this.#unique(`${op.toLowerCase()}_${this.#nodes.length}`),
  ): string {
    this.#nodes.push({ op, inputs, outputs: [to], attributes });
    return to;
  }

  /** A constant. [] */
  protected float(value: number): string {
    return this.#constant("float32", [], new Uint8Array(Float32Array.of(value).buffer));
  }

  /** A constant. [values], or [] for `scalar` */
  protected int64(values: readonly number[], { scalar = false } = {}): string {
    return this.#constant(
      "int64",
      scalar ? [] : [values.length],
      new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
    );
  }

  #constant(dtype: "float32" | "int64", shape: readonly number[], contents: Uint8Array): string {
    const key = `${dtype} [${shape.join()}] ${contents.join(" ")}`;
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
