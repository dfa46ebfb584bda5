/**
 * The naming schemes of published checkpoints as tables: what each calls the tensors of one canonical scheme, which is
 * OpenAI's, but for the projection, always `text_projection.weight` [embedDim, width].
 *
 * Sources: openai/CLIP `clip/model.py`; open_clip `model.py`, `convert.py`; transformers `modeling_clip.py`,
 * `convert_clip_original_pytorch_to_hf.py`.
 */

/**
 * - `openai`: OpenAI and OpenCLIP's `CLIP` (`transformer.resblocks.0.ln_1.weight`)
 * - `custom-text`: OpenCLIP's `CustomTextCLIP` (`text.transformer.resblocks.0.…`)
 * - `huggingface`: `CLIPModel`, `CLIPTextModelWithProjection` (`text_model.encoder.layers.0.layer_norm1.weight`)
 * - `huggingface-flat`: the same without `text_model.` (`CLIPTextModel` of transformers ≥ 5.6)
 * - `mobileclip`: Apple's own checkpoints of MobileCLIP (`text_encoder.transformer.0.pre_norm_mha.0.weight`)
 *
 * Each may lie in a larger model: see `containers.ts`.
 */
export type Naming = "openai" | "custom-text" | "huggingface" | "huggingface-flat" | "mobileclip";

/** Canonical names outside the blocks, projection excluded. */
export const TOP_NAMES = [
  "token_embedding.weight",
  "positional_embedding",
  "ln_final.weight",
  "ln_final.bias",
] as const;

/** Canonical names inside a block, after `transformer.resblocks.N.`. */
export const BLOCK_NAMES = [
  "ln_1.weight",
  "ln_1.bias",
  "attn.in_proj_weight",
  "attn.in_proj_bias",
  "attn.out_proj.weight",
  "attn.out_proj.bias",
  "ln_2.weight",
  "ln_2.bias",
  "mlp.c_fc.weight",
  "mlp.c_fc.bias",
  "mlp.c_proj.weight",
  "mlp.c_proj.bias",
] as const;

/** Where a tensor of a file belongs. `part` is 1 or 2 for keys and values that are stored apart from the queries. */
export interface Place {
  readonly canonical: string;
  readonly part: number;
  readonly transposed?: boolean;
  readonly wrapped?: boolean;
}

/** A place in canonical terms. */
export const place = (canonical: string, part = 0): Place => ({ canonical, part });

/** The projection, canonical and in Hugging Face's scheme. */
export const PROJECTION = "text_projection.weight";

/** Names at the top of OpenAI's scheme → place. */
const OPENAI_TOP: ReadonlyMap<string, Place> = new Map<string, Place>([
  ...TOP_NAMES.map((name): [string, Place] => [name, place(name)]),
  // A parameter [width, embedDim], used as x · P.
  ["text_projection", { canonical: PROJECTION, part: 0, transposed: true }],
  // A linear layer, where OpenCLIP's `proj_bias` is set.
  ["text_projection.weight", place(PROJECTION)],
  ["text_projection.bias", place("text_projection.bias")],
]);

const OPENAI_BLOCK: ReadonlyMap<string, Place> = new Map(
  BLOCK_NAMES.map((name): [string, Place] => [name, place(name)]),
);

/** Names at the top of Hugging Face's scheme, without `text_model.`, → place. */
export const HUGGINGFACE_TOP: ReadonlyMap<string, Place> = new Map([
  ["embeddings.token_embedding.weight", place("token_embedding.weight")],
  ["embeddings.position_embedding.weight", place("positional_embedding")],
  ["final_layer_norm.weight", place("ln_final.weight")],
  ["final_layer_norm.bias", place("ln_final.bias")],
]);

export const HUGGINGFACE_BLOCK: ReadonlyMap<string, Place> = new Map([
  ["layer_norm1.weight", place("ln_1.weight")],
  ["layer_norm1.bias", place("ln_1.bias")],
  ...["q", "k", "v"].flatMap((letter, part): [string, Place][] => [
    [`self_attn.${letter}_proj.weight`, place("attn.in_proj_weight", part)],
    [`self_attn.${letter}_proj.bias`, place("attn.in_proj_bias", part)],
  ]),
  ["self_attn.out_proj.weight", place("attn.out_proj.weight")],
  ["self_attn.out_proj.bias", place("attn.out_proj.bias")],
  ["layer_norm2.weight", place("ln_2.weight")],
  ["layer_norm2.bias", place("ln_2.bias")],
  ["mlp.fc1.weight", place("mlp.c_fc.weight")],
  ["mlp.fc1.bias", place("mlp.c_fc.bias")],
  ["mlp.fc2.weight", place("mlp.c_proj.weight")],
  ["mlp.fc2.bias", place("mlp.c_proj.bias")],
]);

/** Names at the top of Apple's scheme, without `text_encoder.`, → place. Source: apple/ml-mobileclip `text_encoder.py`. */
const MOBILECLIP_TOP: ReadonlyMap<string, Place> = new Map<string, Place>([
  ["embedding_layer.weight", place("token_embedding.weight")],
  // [1, 1, context, width]
  ["positional_embedding.pos_embed.pos_embed", { canonical: "positional_embedding", part: 0, wrapped: true }],
  ["final_layer_norm.weight", place("ln_final.weight")],
  ["final_layer_norm.bias", place("ln_final.bias")],
  ["projection_layer", { canonical: PROJECTION, part: 0, transposed: true }],
]);

const MOBILECLIP_BLOCK: ReadonlyMap<string, Place> = new Map(
  [
    ["pre_norm_mha.0.weight", "ln_1.weight"],
    ["pre_norm_mha.0.bias", "ln_1.bias"],
    ["pre_norm_mha.1.qkv_proj.weight", "attn.in_proj_weight"],
    ["pre_norm_mha.1.qkv_proj.bias", "attn.in_proj_bias"],
    ["pre_norm_mha.1.out_proj.weight", "attn.out_proj.weight"],
    ["pre_norm_mha.1.out_proj.bias", "attn.out_proj.bias"],
    ["pre_norm_ffn.0.weight", "ln_2.weight"],
    ["pre_norm_ffn.0.bias", "ln_2.bias"],
    ["pre_norm_ffn.1.weight", "mlp.c_fc.weight"],
    ["pre_norm_ffn.1.bias", "mlp.c_fc.bias"],
    ["pre_norm_ffn.4.weight", "mlp.c_proj.weight"],
    ["pre_norm_ffn.4.bias", "mlp.c_proj.bias"],
  ].map(([name, canonical]): [string, Place] => [name!, place(canonical!)]),
);

/** How a scheme names the tensors of a tower. */
export interface Scheme {
  /** Before every name of the tower but Hugging Face's projection. */
  readonly prefix: string;
  readonly top: ReadonlyMap<string, Place>;
  readonly blocks: RegExp;
  readonly block: ReadonlyMap<string, Place>;
  /** Whether query, key and value are stored apart. */
  readonly split: boolean;
}

const OPENAI = {
  top: OPENAI_TOP,
  blocks: /^transformer\.resblocks\.(0|[1-9]\d{0,5})\.(.+)$/s,
  block: OPENAI_BLOCK,
};
const HUGGINGFACE = {
  top: HUGGINGFACE_TOP,
  blocks: /^encoder\.layers\.(0|[1-9]\d{0,5})\.(.+)$/s,
  block: HUGGINGFACE_BLOCK,
};

/** All of them. */
export const SCHEMES: Readonly<Record<Naming, Scheme>> = {
  openai: { prefix: "", ...OPENAI, split: false },
  "custom-text": { prefix: "text.", ...OPENAI, split: false },
  huggingface: { prefix: "text_model.", ...HUGGINGFACE, split: true },
  "huggingface-flat": { prefix: "", ...HUGGINGFACE, split: true },
  mobileclip: {
    prefix: "text_encoder.",
    top: MOBILECLIP_TOP,
    blocks: /^transformer\.(0|[1-9]\d{0,5})\.(.+)$/s,
    block: MOBILECLIP_BLOCK,
    split: false,
  },
};
