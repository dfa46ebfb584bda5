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

/** Options of `buildTextEncoder`. */
export interface TextEncoderOptions {
  /** Default `["embedding"]`, or `["pooled"]` for a tower without projection. */
  readonly outputs?: readonly TextEncoderOutput[];
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

  const g = new GraphBuilder();
  const tokens = g.input("tokens", "float32", ["rows", width]);
  const positions = g.input("positions", "int32", ["rows"]);
  const visibility: AttentionArguments["visibility"] =
    attention === "causal"
      ? { kind: "ancestors", parents: g.input("parents", "int32", ["rows"]) }
      : { kind: "segments", segments: g.input("segments", "int32", ["rows"]) };
  const pooled = asked.pools ? g.input("pooled", "int32", ["prompts"]) : undefined;

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
    x = block(g, x, layer, descriptor, visibility, prune ? pooled : undefined);
    if (!prune) keep(layer + 1);
  }
  if (pooled !== undefined) {
    const rows = asked.hidden.has(layers) ? g.gather(x, pooled) : x; // [prompts, width]
    const normed = finalNorm(g, rows, descriptor);
    if (wanted.includes("pooled")) outputs["pooled"] = normed;
    if (wanted.includes("embedding")) outputs["embedding"] = project(g, normed, descriptor);
  }
  return g.build(Object.fromEntries(wanted.map((name) => [name, outputs[name]!])));
}

/**
 * x + attention(norm(x)), then x + mlp(norm(x)).
 * @param only - rows to go on with after keys and values are made; absent: all
 * @returns [rows, width], or [prompts, width] for `only`
 */
function block(
  g: GraphBuilder,
  x: Value,
  layer: number,
  descriptor: TextEncoderDescriptor,
  visibility: AttentionArguments["visibility"],
  only: Value | undefined,
): Value {
  const { width, mlpWidth, activation } = descriptor;
  const name = `transformer.resblocks.${layer}`;

  const normed = layerNorm(g, x, `${name}.ln_1`, descriptor); // [rows, width]
  const attended = attend(g, normed, name, descriptor, visibility, only); // [rows | prompts, width]
  const residual = only === undefined ? x : g.gather(x, only);
  const mixed = g.add(residual, linear(g, attended, `${name}.attn.out_proj`, width, width));

  const up = linear(g, layerNorm(g, mixed, `${name}.ln_2`, descriptor), `${name}.mlp.c_fc`, mlpWidth, width);
  return g.add(mixed, linear(g, g.gelu(up, GELU_FORMS[activation]), `${name}.mlp.c_proj`, width, mlpWidth));
}

/** Query, key and value lie stacked in one weight [3 · width, width], in this order. */
function attend(
  g: GraphBuilder,
  x: Value,
  name: string,
  { width, heads, contextLength }: TextEncoderDescriptor,
  visibility: AttentionArguments["visibility"],
  only: Value | undefined,
): Value {
  const project = (from: Value, begin: number, end: number): Value => {
    const rows = { begin, end };
    const weight = g.weight(`${name}.attn.in_proj_weight`, [end - begin, width], rows);
    return g.linear(from, weight, g.weight(`${name}.attn.in_proj_bias`, [end - begin], rows));
  };
  const shared = { heads, contextLength, visibility };
  const part = (value: Value, index: number): ColumnsOf => columns(value, index * width, (index + 1) * width);
  if (only === undefined) {
    const qkv = project(x, 0, 3 * width); // [rows, 3 · width]
    return g.attention({ query: part(qkv, 0), key: part(qkv, 1), value: part(qkv, 2), ...shared });
  }
  const query = project(g.gather(x, only), 0, width); // [prompts, width]
  const kv = project(x, width, 3 * width); // [rows, 2 · width]
  return g.attention({ query, key: part(kv, 0), value: part(kv, 1), ...shared, queryRows: only });
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
