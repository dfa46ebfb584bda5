/**
 * CLIP's text tower as a graph: pre-norm transformer blocks over packed rows (openai/CLIP, `clip/model.py`).
 *
 * Weights go by OpenAI's names, linear weights as [out, in]; the projection is `text_projection.weight` [embedDim,
 * width]. The token table is not among them: its rows are looked up on the host and come in as an input.
 *
 * Not here: tokens, prompts, numbers. `packRows` and `packSegments` make the inputs.
 */
import { columns, GraphBuilder } from "@textower/graph";
import type { AttentionArguments, ColumnsOf, GeluForm, Graph, Value } from "@textower/graph";
import type { Activation, TextEncoderDescriptor } from "./descriptor.js";

/**
 * An output of the tower.
 *
 * - `embedding`: the pooled row after the final norm and projection, not normalised. [prompts, embedDim]
 * - `pooled`: the pooled row after the final norm, before the projection. [prompts, width]
 * - `last`: every row after the final norm. [rows, width]
 * - `hidden.N`: every row after N blocks, *before* the final norm; `hidden.0` is the embedding sum, `hidden.<layers>`
 *   the last block's output. [rows, width]
 * - `hidden.N.norm`: `hidden.N` with the final norm applied (Stable Diffusion 2.x takes the last but one). [rows, width]
 */
export type TextEncoderOutput =
  | "embedding"
  | "pooled"
  | "last"
  | `hidden.${number}`
  | `hidden.${number}.norm`;

/** Name of the input and output that carry keys and values of block N: `past.N` in, `keyValue.N` out. */
export function keyValueNames(layer: number): { readonly input: string; readonly output: string } {
  return { input: `past.${layer}`, output: `keyValue.${layer}` };
}

/** Options of `buildTextEncoder`. */
export interface TextEncoderOptions {
  /** Default `["embedding"]`, or `["pooled"]` for a tower without projection. */
  readonly outputs?: readonly TextEncoderOutput[];
  /**
   * Whether rows may follow rows of earlier runs. The graph then has further inputs: per block N `past.N` float32 [past,
   * 2 · width], keys and values of earlier rows (there may be none); `keyRows` int32 [rows] and `pooledKeys` int32
   * [prompts], where rows and pooled rows stand among past and new rows together; `parents` is int32 [keys], over
   * both. Further outputs: `keyValue.N` [rows, 2 · width] of the new rows. Causal towers only, and no hidden states,
   * since those of past rows are not computed. Default false.
   */
  readonly past?: boolean;
}

const GELU_FORMS: Record<Activation, GeluForm> = { quick_gelu: "quick", gelu: "erf", gelu_tanh: "tanh" };

/**
 * Builds the graph of a text tower.
 *
 * Inputs: `tokens` float32 [rows, width] (rows of the token table), `positions` int32 [rows], `parents` int32 [rows]
 * (or `segments`, for full attention), and `pooled` int32 [prompts], the row of each prompt's end of text, where an
 * output asks for it. Blocks that no output needs are left out; after the last block's keys and values only pooled
 * rows are computed, unless an output wants them all.
 * @throws RangeError for an output that the tower does not have; GraphError for sizes that do not fit together
 */
export function buildTextEncoder(descriptor: TextEncoderDescriptor, options: TextEncoderOptions = {}): Graph {
  const { width, contextLength, layers, attention } = descriptor;
  const wanted = options.outputs ?? [descriptor.embedDim === null ? "pooled" : "embedding"];
  const asked = parseOutputs(wanted, descriptor);
  const hasPast = options.past ?? false;
  if (hasPast && (attention !== "causal" || asked.hidden.size > 0)) {
    throw new RangeError(
      "buildTextEncoder: expected a causal tower without hidden states as outputs for past rows",
    );
  }

  const g = new GraphBuilder();
  const tokens = g.input("tokens", "float32", ["rows", width]);
  const positions = g.input("positions", "int32", ["rows"]);
  const visibility: AttentionArguments["visibility"] =
    attention === "causal"
      ? { kind: "ancestors", parents: g.input("parents", "int32", [hasPast ? "keys" : "rows"]) }
      : { kind: "segments", segments: g.input("segments", "int32", ["rows"]) };
  const pooled = asked.pools ? g.input("pooled", "int32", ["prompts"]) : undefined;
  const keyRows = hasPast ? g.input("keyRows", "int32", ["rows"]) : undefined;
  const pooledKeys = hasPast ? g.input("pooledKeys", "int32", ["prompts"]) : pooled;

  let x = g.add(tokens, g.gather(g.weight("positional_embedding", [contextLength, width]), positions)); // [rows, width]
  const outputs: Record<string, Value> = {};
  const keep = (depth: number): void => {
    for (const { name, norm } of asked.hidden.get(depth) ?? [])
      outputs[name] = norm ? finalNorm(g, x, descriptor) : x;
  };
  keep(0);
  for (let layer = 0; layer < asked.depth; layer++) {
    // The last block's other rows are read by nobody, unless a hidden state of it is an output.
    const prune = layer === layers - 1 && !asked.hidden.has(layers);
    const names = keyValueNames(layer);
    const past = hasPast
      ? g.input(names.input, "float32", ["past", 2 * width], { mayBeEmpty: true })
      : undefined;
    const queries = prune ? { only: pooled, keyRows: pooledKeys } : { keyRows };
    const made = block(g, x, layer, descriptor, { visibility, past, ...queries });
    x = made.x;
    if (hasPast) outputs[names.output] = made.keyValue!;
    if (!prune) keep(layer + 1);
  }
  if (pooled !== undefined) {
    const rows = asked.hidden.has(layers) ? g.gather(x, pooled) : x; // [prompts, width]
    const normed = finalNorm(g, rows, descriptor);
    if (wanted.includes("pooled")) outputs["pooled"] = normed;
    if (wanted.includes("embedding")) outputs["embedding"] = project(g, normed, descriptor);
  }
  const names: string[] = [...wanted];
  if (hasPast) for (let layer = 0; layer < layers; layer++) names.push(keyValueNames(layer).output);
  return g.build(Object.fromEntries(names.map((name) => [name, outputs[name]!])));
}

/** Who sees whom in a block. */
interface Sight {
  readonly visibility: AttentionArguments["visibility"];
  /** Rows to go on with after keys and values are made; absent: all. */
  readonly only?: Value | undefined;
  /** Where the rows that go on stand among the keys; absent: row i is key i. */
  readonly keyRows?: Value | undefined;
  /** Keys and values of earlier rows, [past, 2 · width]. */
  readonly past: Value | undefined;
}

/**
 * x + attention(norm(x)), then x + mlp(norm(x)).
 * @returns x [rows, width], or [prompts, width] for `only`; and keys and values [rows, 2 · width] if they stand alone
 */
function block(
  g: GraphBuilder,
  x: Value,
  layer: number,
  descriptor: TextEncoderDescriptor,
  sight: Sight,
): { x: Value; keyValue: Value | undefined } {
  const { width, mlpWidth, activation } = descriptor;
  const name = `transformer.resblocks.${layer}`;

  const normed = layerNorm(g, x, `${name}.ln_1`, descriptor); // [rows, width]
  const { attended, keyValue } = attend(g, normed, name, descriptor, sight); // [rows | prompts, width]
  const residual = sight.only === undefined ? x : g.gather(x, sight.only);
  const mixed = g.add(residual, linear(g, attended, `${name}.attn.out_proj`, width, width));

  const up = linear(g, layerNorm(g, mixed, `${name}.ln_2`, descriptor), `${name}.mlp.c_fc`, mlpWidth, width);
  const down = linear(g, g.gelu(up, GELU_FORMS[activation]), `${name}.mlp.c_proj`, width, mlpWidth);
  return { x: g.add(mixed, down), keyValue };
}

/** Query, key and value lie stacked in one weight [3 · width, width], in this order. */
function attend(
  g: GraphBuilder,
  x: Value,
  name: string,
  { width, heads, contextLength }: TextEncoderDescriptor,
  { visibility, only, keyRows, past }: Sight,
): { attended: Value; keyValue: Value | undefined } {
  const project = (from: Value, begin: number, end: number): Value => {
    const rows = { begin, end };
    const weight = g.weight(`${name}.attn.in_proj_weight`, [end - begin, width], rows);
    return g.linear(from, weight, g.weight(`${name}.attn.in_proj_bias`, [end - begin], rows));
  };
  const shared = { heads, contextLength, visibility };
  const part = (value: Value, index: number): ColumnsOf => columns(value, index * width, (index + 1) * width);
  if (keyRows === undefined) {
    const qkv = project(x, 0, 3 * width); // [rows, 3 · width]
    const attended = g.attention({ query: part(qkv, 0), key: part(qkv, 1), value: part(qkv, 2), ...shared });
    return { attended, keyValue: undefined };
  }
  const query = project(only === undefined ? x : g.gather(x, only), 0, width); // [rows | prompts, width]
  const keyValue = project(x, width, 3 * width); // [rows, 2 · width]
  const all = past === undefined ? keyValue : g.concat(past, keyValue, "keys"); // [rows | keys, 2 · width]
  const attended = g.attention({
    query,
    key: part(all, 0),
    value: part(all, 1),
    ...shared,
    queryRows: keyRows,
  });
  return { attended, keyValue };
}

function finalNorm(g: GraphBuilder, x: Value, descriptor: TextEncoderDescriptor): Value {
  return layerNorm(g, x, "ln_final", descriptor);
}

function project(
  g: GraphBuilder,
  x: Value,
  { width, embedDim, projectionBias }: TextEncoderDescriptor,
): Value {
  const weight = g.weight("text_projection.weight", [embedDim!, width]);
  return projectionBias
    ? g.linear(x, weight, g.weight("text_projection.bias", [embedDim!]))
    : g.linear(x, weight);
}

function layerNorm(g: GraphBuilder, x: Value, name: string, d: TextEncoderDescriptor): Value {
  return g.layerNorm(
    x,
    g.weight(`${name}.weight`, [d.width]),
    g.weight(`${name}.bias`, [d.width]),
    d.layerNormEpsilon,
  );
}

function linear(g: GraphBuilder, x: Value, name: string, out: number, width: number): Value {
  return g.linear(x, g.weight(`${name}.weight`, [out, width]), g.weight(`${name}.bias`, [out]));
}

/** What a list of outputs asks of the tower. */
interface Asked {
  /** Blocks to compute. */
  readonly depth: number;
  /** Whether pooled rows are wanted. */
  readonly pools: boolean;
  /** Number of blocks → the outputs taken there. */
  readonly hidden: ReadonlyMap<number, readonly { name: string; norm: boolean }[]>;
}

function parseOutputs(
  names: readonly TextEncoderOutput[],
  { layers, embedDim }: TextEncoderDescriptor,
): Asked {
  if (names.length === 0) throw new RangeError("buildTextEncoder: expected at least one output, got none");
  const hidden = new Map<number, { name: string; norm: boolean }[]>();
  let pools = false;
  for (const name of names) {
    if (name === "embedding" && embedDim === null) {
      throw new RangeError(
        "buildTextEncoder: expected output pooled for a tower without projection, got embedding",
      );
    }
    if (name === "embedding" || name === "pooled") {
      pools = true;
      continue;
    }
    const match = name === "last" ? ["", String(layers), ".norm"] : /^hidden\.(\d+)(\.norm)?$/.exec(name);
    const depth = Number(match?.[1] ?? NaN);
    if (match === null || !(depth <= layers)) {
      throw new RangeError(
        `buildTextEncoder: expected embedding, pooled, last or hidden.0…${layers}, got ${name}`,
      );
    }
    hidden.set(depth, [...(hidden.get(depth) ?? []), { name, norm: match[2] !== undefined }]);
  }
  return { depth: pools ? layers : Math.max(...hidden.keys()), pools, hidden };
}
