/**
 * The checkpoint as the peers take it: a folder in Hugging Face's layout with `onnx/text_model.onnx`, the tower as
 * exporters write it. `input_ids` int64 [batch, sequence] → `text_embeds` float32 [batch, 512]; every position of every
 * prompt is a row, the causal mask is made in the graph, the row of the first largest id is pooled. Same numbers as
 * ours, from the same file. Made once, kept in `.cache/peer/`.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openCheckpoint } from "@textower/weights";
import { encodeModel } from "../../packages/backend-onnx/dist/model-proto.js";
import { tokenizerJson } from "../tokenizer/tokenizer-json.mjs";

/** Folder that holds the model's, and the model's name in it: what `env.localModelPath` and `from_pretrained` want. */
export const peerModels = fileURLToPath(new URL("../.cache/peer/", import.meta.url));
export const peerModelName = "clip-vit-b-32";

/** Slope of the sigmoid in QuickGELU: openai/CLIP, `clip/model.py`. */
const QUICK_GELU_SLOPE = 1.702;
/** What a hidden score is raised by: the least float32, as exports of the original have it. */
const MASKED = -3.4028234663852886e38;

/**
 * @param checkpointPath - a CLIP checkpoint in OpenAI's names, activation quick_gelu
 * @returns path of the ONNX file
 */
export async function peerModel(checkpointPath) {
  const folder = `${peerModels}${peerModelName}`;
  const path = `${folder}/onnx/text_model.onnx`;
  if (existsSync(path)) return path;
  console.error(`making ${path} …`);
  mkdirSync(`${folder}/onnx`, { recursive: true });
  const checkpoint = await openCheckpoint(checkpointPath, { activation: "quick_gelu" });
  const { descriptor } = checkpoint;
  const json = (name, value) => writeFileSync(`${folder}/${name}`, JSON.stringify(value));
  json("config.json", config(descriptor));
  json("tokenizer.json", tokenizerJson());
  json("tokenizer_config.json", {
    tokenizer_class: "CLIPTokenizer",
    model_max_length: descriptor.contextLength,
    bos_token: "<|startoftext|>",
    eos_token: "<|endoftext|>",
    pad_token: "<|endoftext|>",
    unk_token: "<|endoftext|>",
  });
  writeFileSync(`${path}.part`, encodeModel(await exported(checkpoint)));
  renameSync(`${path}.part`, path);
  await checkpoint.close();
  return path;
}

/** `config.json` of a text tower with projection. */
function config({ width, layers, heads, mlpWidth, embedDim, contextLength, vocabSize, layerNormEpsilon }) {
  return {
    architectures: ["CLIPTextModelWithProjection"],
    model_type: "clip_text_model",
    hidden_act: "quick_gelu",
    hidden_size: width,
    intermediate_size: mlpWidth,
    layer_norm_eps: layerNormEpsilon,
    max_position_embeddings: contextLength,
    num_attention_heads: heads,
    num_hidden_layers: layers,
    projection_dim: embedDim,
    vocab_size: vocabSize,
    bos_token_id: 49406,
    eos_token_id: 49407,
    pad_token_id: 49407,
  };
}

/** The graph, weights inside. B = batch, S = sequence, C = width, H = heads, D = C / H. */
async function exported(checkpoint) {
  const { width: C, layers, heads: H, embedDim, vocabSize, layerNormEpsilon } = checkpoint.descriptor;
  const nodes = [];
  const initializers = [];
  const emit = (op, inputs, attributes, output = `${op}_${nodes.length}`) => {
    nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  };
  const initializer = (name, dtype, shape, values) => {
    const contents = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    initializers.push({ name, dtype, shape, contents });
    return name;
  };
  const floats = (name, shape, values) => initializer(name, "float32", shape, values);
  const float = (value) => floats(`constant_${initializers.length}`, [], Float32Array.of(value));
  const ints = (...values) =>
    initializer(
      `constant_${initializers.length}`,
      "int64",
      [values.length],
      BigInt64Array.from(values, BigInt),
    );
  const int = (value) =>
    initializer(`constant_${initializers.length}`, "int64", [], BigInt64Array.of(BigInt(value)));
  const vector = async (name) => {
    const { data, shape } = await checkpoint.read(name);
    return floats(name, shape, data);
  };
  /** Rows of a weight [out, in] as the matrix [in, out] that MatMul wants. */
  const matrix = async (source, name, rows) => {
    const { data, shape } = await checkpoint.read(source, rows);
    return floats(name, [shape[1], shape[0]], transposed(data, shape[0], shape[1]));
  };
  const norm = async (x, name) =>
    emit("LayerNormalization", [x, await vector(`${name}.weight`), await vector(`${name}.bias`)], {
      axis: { int: -1 },
      epsilon: { float: layerNormEpsilon },
    });
  const linear = async (x, name) =>
    emit("Add", [
      emit("MatMul", [x, await matrix(`${name}.weight`, `${name}.matrix`)]),
      await vector(`${name}.bias`),
    ]);
  /** Query, key and value are linears of their own, as in the original's Hugging Face form. */
  const third = async (x, name, index) => {
    const rows = { begin: index * C, end: (index + 1) * C };
    const weight = await matrix(`${name}.in_proj_weight`, `${name}.${"qkv"[index]}.matrix`, rows);
    const { data } = await checkpoint.read(`${name}.in_proj_bias`, rows);
    return emit("Add", [emit("MatMul", [x, weight]), floats(`${name}.${"qkv"[index]}.bias`, [C], data)]);
  };
  const split = (x, perm) => emit("Transpose", [emit("Reshape", [x, headShape])], { perm: { ints: perm } });

  const headShape = ints(0, 0, H, C / H);
  const rowShape = ints(0, 0, C);
  const scale = float((C / H) ** -0.5);
  const slope = float(QUICK_GELU_SLOPE);

  const table = new Float32Array(vocabSize * C); // [vocabSize, C]
  await checkpoint.tokenEmbedding.read(
    Int32Array.from({ length: vocabSize }, (_, id) => id),
    table,
  );
  const tokens = emit("Gather", [floats("token_embedding", [vocabSize, C], table), "input_ids"]); // [B, S, C]
  const length = emit("Shape", ["input_ids"], { start: { int: 1 }, end: { int: 2 } }); // [1]
  const positions = emit("Slice", [await vector("positional_embedding"), ints(0), length, ints(0)]); // [S, C]
  let x = emit("Add", [tokens, positions]); // [B, S, C]

  const range = emit("Range", [int(0), emit("Squeeze", [length]), int(1)]); // [S]
  const later = emit("Greater", [range, emit("Unsqueeze", [range, ints(1)])]); // [S, S]
  const mask = emit("Where", [later, float(MASKED), float(0)]); // [S, S]

  for (let layer = 0; layer < layers; layer++) {
    const block = `transformer.resblocks.${layer}`;
    const normed = await norm(x, `${block}.ln_1`);
    const q = split(emit("Mul", [await third(normed, `${block}.attn`, 0), scale]), [0, 2, 1, 3]); // [B, H, S, D]
    const k = split(await third(normed, `${block}.attn`, 1), [0, 2, 3, 1]); // [B, H, D, S]
    const v = split(await third(normed, `${block}.attn`, 2), [0, 2, 1, 3]); // [B, H, S, D]
    const scores = emit("Add", [emit("MatMul", [q, k]), mask]); // [B, H, S, S]
    const mixed = emit("MatMul", [emit("Softmax", [scores], { axis: { int: -1 } }), v]); // [B, H, S, D]
    const rows = emit("Reshape", [emit("Transpose", [mixed], { perm: { ints: [0, 2, 1, 3] } }), rowShape]);
    x = emit("Add", [x, await linear(rows, `${block}.attn.out_proj`)]); // [B, S, C]
    const up = await linear(await norm(x, `${block}.ln_2`), `${block}.mlp.c_fc`); // [B, S, mlpWidth]
    const activated = emit("Mul", [up, emit("Sigmoid", [emit("Mul", [up, slope])])]);
    x = emit("Add", [x, await linear(activated, `${block}.mlp.c_proj`)]); // [B, S, C]
  }
  const last = await norm(x, "ln_final"); // [B, S, C]
  const ids = emit("Cast", ["input_ids"], { to: { int: 6 } }); // int32: ArgMax has no int64 kernel
  const end = emit("ArgMax", [ids], { axis: { int: 1 }, keepdims: { int: 1 } }); // [B, 1]
  const pooled = emit("GatherND", [last, end], { batch_dims: { int: 1 } }); // [B, C]
  emit(
    "MatMul",
    [pooled, await matrix("text_projection.weight", "text_projection.matrix")],
    {},
    "text_embeds",
  );
  return {
    nodes: nodes.map((node) => ({ ...node, attributes: node.attributes ?? {} })),
    initializers,
    inputs: [{ name: "input_ids", dtype: "int64", shape: ["batch", "sequence"] }],
    outputs: [{ name: "text_embeds", dtype: "float32", shape: ["batch", embedDim] }],
  };
}

/** [rows, columns] → [columns, rows] */
function transposed(data, rows, columns) {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = data[row * columns + column];
  }
  return result;
}
