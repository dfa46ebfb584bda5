/**
 * `lowerTextModel`: the graph of a text tower with the interface that published text models have, `input_ids` in and
 * `text_embeds` out. Token table, positions, causal mask and the place of the end of text are part of it; prompts are
 * rows of a padded batch, and nothing is shared between them.
 *
 * B = batch, S = sequence, C = width, H = heads, D = C / H. Matrices have B · S rows, or B after the end of text is taken.
 */
import { GraphError } from "@textower/graph";
import type { AttentionNode, Graph, InputNode } from "@textower/graph";
import { Lowering } from "./lower.js";
import type { LoweredGraph, WeightDtype } from "./lower.js";
import { DATA_TYPES } from "./model-proto.js";

/** What has to be known of a text tower beside its graph. A descriptor of a checkpoint fits. */
export interface TextInterface {
  /** Rows of `token_embedding.weight`. */
  readonly vocabSize: number;
  /** Most tokens of a prompt; of a tower with full attention, the length of every prompt. */
  readonly contextLength: number;
  /** Whose row becomes the embedding: of the largest id, or of the first `endOfText`. The first one of several. */
  readonly pooling: { readonly rule: "argmax" | "first"; readonly endOfText: number };
}

/** Inputs that such a graph may have: those of a text tower without past rows. */
const INPUTS = ["tokens", "positions", "parents", "segments", "pooled"];

/**
 * Lowers a graph that `verify` accepts.
 * @throws GraphError for a graph with other inputs than a text tower's, or without the output `embedding`
 */
export function lowerTextModel(graph: Graph, text: TextInterface, dtype: WeightDtype): LoweredGraph {
  const names = graph.nodes.flatMap((node) => (node.op === "input" ? [node.name] : []));
  const other = names.find((name) => !INPUTS.includes(name));
  if (other !== undefined || !names.includes("tokens")) {
    throw new GraphError(
      `exportTextModel: expected the inputs tokens, positions, parents or segments, pooled, got ${other ?? names.join()}`,
    );
  }
  const embedding = graph.outputs["embedding"];
  if (embedding === undefined) {
    const got = Object.keys(graph.outputs).join();
    throw new GraphError(`exportTextModel: expected the output embedding, got ${got}`);
  }
  return new TextLowering({ ...graph, outputs: { text_embeds: embedding } }, text, dtype).finish();
}

class TextLowering extends Lowering {
  readonly #text: TextInterface;
  readonly #isFull: boolean;
  /** Made once, when first asked for. */
  readonly #values = new Map<string, string>();

  constructor(graph: Graph, text: TextInterface, dtype: WeightDtype) {
    super(graph, "initializer", dtype);
    this.#text = text;
    this.#isFull = graph.nodes.some((node) => node.op === "input" && node.name === "segments");
  }

  override finish(): LoweredGraph {
    const lowered = super.finish();
    const sequence = this.#isFull ? this.#text.contextLength : "sequence";
    const outputs = lowered.onnx.outputs.map((value) => ({ ...value, shape: ["batch", value.shape[1]!] }));
    const inputs = [{ name: "input_ids", dtype: "int64", shape: ["batch", sequence] }] as const;
    return { ...lowered, inputs: ["input_ids"], onnx: { ...lowered.onnx, inputs, outputs } };
  }

  protected override input(node: InputNode, to: string): void {
    switch (node.name) {
      case "tokens":
        return this.#tokens(node, to);
      case "positions": {
        const all = this.emit("Expand", [this.#places(), this.emit("Shape", ["input_ids"])]); // [B, S]
        this.emit("Reshape", [all, this.int64([-1])], {}, to); // [B · S]
        return;
      }
      case "pooled": {
        const size = this.emit("Squeeze", [this.#size(0)]); // []
        const prompts = this.emit("Range", [this.#int(0), size, this.#int(1)]); // [B]
        const firsts = this.emit("Mul", [prompts, this.#size(1)]); // [B]
        this.emit("Add", [firsts, this.#ends()], {}, to); // [B]
        return;
      }
      default: // who sees whom is in `masked`
    }
  }

  /** Rows of the token table. [B · S, C] */
  #tokens({ shape }: InputNode, to: string): void {
    const width = shape[1] as number;
    const { vocabSize } = this.#text;
    const table = { op: "weight", source: "token_embedding.weight", shape: [vocabSize, width] } as const;
    this.weight(table, table.source, this.linearDtype);
    const stored = this.emit("Gather", [table.source, "input_ids"], { axis: { int: 0 } }); // [B, S, C]
    const rows =
      this.linearDtype === "float32"
        ? stored
        : this.emit("Cast", [stored], { to: { int: DATA_TYPES.float32 } });
    this.emit("Reshape", [rows, this.int64([-1, width])], {}, to);
  }

  protected override split(x: string, heads: number, width: number, tokens: "rows" | "columns"): string {
    // The batch stands first and fixed; what is left is S, or 1 where only ends of text go on.
    const shape = this.#once(`heads ${heads} ${width}`, () =>
      this.emit("Concat", [this.#size(0), this.int64([-1, heads, width / heads])], { axis: { int: 0 } }),
    );
    const cut = this.emit("Reshape", [x, shape]); // [B, S, H, D]
    const perm = tokens === "rows" ? [0, 2, 1, 3] : [0, 2, 3, 1];
    return this.emit("Transpose", [cut], { perm: { ints: perm } }); // [B, H, S, D] or [B, H, D, S]
  }

  protected override join(x: string, width: number, to: string): void {
    const rows = this.emit("Transpose", [x], { perm: { ints: [0, 2, 1, 3] } }); // [B, S, H, D]
    this.emit("Reshape", [rows, this.int64([-1, width])], {}, to);
  }

  /** A position sees itself and those before it; with full attention, all of them. */
  protected override masked(scores: string, { queryRows }: AttentionNode): string {
    if (this.#isFull) return scores;
    const mask = this.#once(queryRows === undefined ? "mask" : "pooled mask", () => {
      const own =
        queryRows === undefined
          ? this.emit("Unsqueeze", [this.#places(), this.int64([1])]) // [S, 1]
          : this.emit("Unsqueeze", [this.#ends(), this.int64([1, 2, 3])]); // [B, 1, 1, 1]
      const later = this.emit("Greater", [this.#places(), own]); // [S, S] or [B, 1, 1, S]
      return this.emit("Where", [later, this.float(-Infinity), this.float(0)]);
    });
    return this.emit("Add", [scores, mask]); // [B, H, S, S] or [B, H, 1, S]
  }

  /** 0 … S − 1. [S] */
  #places(): string {
    return this.#once("places", () =>
      this.emit("Range", [this.#int(0), this.emit("Squeeze", [this.#size(1)]), this.#int(1)]),
    );
  }

  /** Position of each prompt's end of text. [B] */
  #ends(): string {
    return this.#once("ends", () => {
      const { rule, endOfText } = this.#text.pooling;
      const marked =
        rule === "argmax" ? "input_ids" : this.emit("Equal", ["input_ids", this.#int(endOfText)]);
      const numbers = this.emit("Cast", [marked], { to: { int: DATA_TYPES.int32 } }); // runtimes lack ArgMax of int64
      return this.emit("ArgMax", [numbers], { axis: { int: 1 }, keepdims: { int: 0 } }); // the first of equals
    });
  }

  /** Size of an axis of `input_ids`. [1] */
  #size(axis: 0 | 1): string {
    return this.#once(`size ${axis}`, () =>
      this.emit("Shape", ["input_ids"], { start: { int: axis }, end: { int: axis + 1 } }),
    );
  }

  #int(value: number): string {
    return this.int64([value], { scalar: true });
  }

  #once(key: string, make: () => string): string {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#values.set(key, made);
    return made;
  }
}
