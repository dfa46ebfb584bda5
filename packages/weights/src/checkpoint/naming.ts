/**
 * The naming schemes of published checkpoints, each mapped to one canonical scheme: OpenAI's, but for the projection,
 * which is always `text_projection.weight` [embedDim, width].
 *
 * Sources: openai/CLIP `clip/model.py`; open_clip `model.py`, `convert.py`; transformers `modeling_clip.py`,
 * `convert_clip_original_pytorch_to_hf.py`.
 *
 * Not here: shapes. Names alone decide what a tensor is.
 */
import type { TensorEntry } from "../tensor-file.js";
import { CheckpointError } from "./errors.js";

/**
 * - `openai`: OpenAI and OpenCLIP's `CLIP` (`transformer.resblocks.0.ln_1.weight`)
 * - `custom-text`: OpenCLIP's `CustomTextCLIP` (`text.transformer.resblocks.0.…`)
 * - `huggingface`: `CLIPModel`, `CLIPTextModelWithProjection` (`text_model.encoder.layers.0.layer_norm1.weight`)
 * - `huggingface-flat`: the same without `text_model.` (`CLIPTextModel` of transformers ≥ 5.6)
 */
export type Naming = "openai" | "custom-text" | "huggingface" | "huggingface-flat";

/** A tensor under its canonical name. */
export interface MappedTensor {
  /** Stacked along axis 0: one tensor of the file, or query, key and value. */
  readonly parts: readonly { readonly name: string; readonly entry: TensorEntry }[];
  /** Whether the file holds [in, out] where [out, in] is canonical. Only the projection. */
  readonly transposed: boolean;
}

/** The text tower of a file. */
export interface TextTensors {
  readonly naming: Naming;
  /** Canonical name → where it lies. Complete but for the projection, which some files do not have. */
  readonly tensors: ReadonlyMap<string, MappedTensor>;
  readonly layers: number;
  /** The temperature, a logarithm. */
  readonly logitScale: { readonly name: string; readonly entry: TensorEntry } | undefined;
}

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
interface Place {
  readonly canonical: string;
  readonly part: number;
  readonly transposed?: boolean;
}

const place = (canonical: string, part = 0): Place => ({ canonical, part });

const PROJECTION = "text_projection.weight";

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
const HUGGINGFACE_TOP: ReadonlyMap<string, Place> = new Map([
  ["embeddings.token_embedding.weight", place("token_embedding.weight")],
  ["embeddings.position_embedding.weight", place("positional_embedding")],
  ["final_layer_norm.weight", place("ln_final.weight")],
  ["final_layer_norm.bias", place("ln_final.bias")],
]);

const HUGGINGFACE_BLOCK: ReadonlyMap<string, Place> = new Map([
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

interface Scheme {
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

const SCHEMES: Readonly<Record<Naming, Scheme>> = {
  openai: { prefix: "", ...OPENAI, split: false },
  "custom-text": { prefix: "text.", ...OPENAI, split: false },
  huggingface: { prefix: "text_model.", ...HUGGINGFACE, split: true },
  "huggingface-flat": { prefix: "", ...HUGGINGFACE, split: true },
};

/** Parts of a CLIP model that are not its text tower, and the scalars in OpenAI's files. */
const OTHER_PARTS =
  /^(?:(?:visual|vision_model|visual_projection|image_encoder)\.|(?:logit_scale|logit_bias|input_resolution|context_length|vocab_size)$)/;

/** 0, 1, 2, …: a buffer that transformers wrote before 4.31. */
const POSITION_IDS = /^(?:text_model\.)?embeddings\.position_ids$/;

/** What DataParallel puts before every name. */
const MODULE = "module.";

/**
 * Finds the scheme of a file by the names of its token table and its positions; nothing else has them.
 * @throws CheckpointError `unknown-naming`
 */
export function recogniseNaming(names: Iterable<string>, file: string): Naming {
  const all = new Set(Array.from(names, withoutModule));
  const found = (Object.keys(SCHEMES) as Naming[]).filter((naming) => {
    const { prefix, top } = SCHEMES[naming];
    return [...top].some(
      ([name, { canonical }]) =>
        (canonical === "token_embedding.weight" || canonical === "positional_embedding") &&
        all.has(prefix + name),
    );
  });
  if (found.length === 1) return found[0]!;
  const got = found.length > 1 ? found.join(" and ") : `${all.size} tensors: ${list(all)}`;
  throw new CheckpointError(
    "unknown-naming",
    `${file}: expected the names of a CLIP text tower as ${Object.keys(SCHEMES).join(", ")} write them, got ${got}`,
  );
}

/**
 * Maps every tensor of the text tower to its canonical name.
 *
 * Names that are neither of the tower nor of a known other part of CLIP (`visual.…`, `vision_model.…`, `logit_scale`, …)
 * are refused where they could belong to the tower: at any place in the schemes without a prefix, and where they begin
 * with `text` in the others. What is left there (a classifier head, say) is ignored.
 * @throws CheckpointError `unknown-tensor`, `duplicate-tensor`, `missing-tensor`
 */
export function mapTensors(
  entries: ReadonlyMap<string, TensorEntry>,
  naming: Naming,
  file: string,
): TextTensors {
  const scheme = SCHEMES[naming];
  const found = new Map<string, { parts: { name: string; entry: TensorEntry }[]; transposed: boolean }>();
  const blocks = new Set<number>();
  let logitScale: TextTensors["logitScale"];
  let others = false;
  for (const [name, entry] of entries) {
    const bare = withoutModule(name);
    if (bare === "logit_scale") logitScale = { name, entry };
    const where = locate(bare, scheme);
    if (where === undefined) {
      if (POSITION_IDS.test(bare)) continue;
      if (!OTHER_PARTS.test(bare)) refuseIfText(bare, scheme, naming, file);
      others = true;
      continue;
    }
    if (where.block !== undefined) blocks.add(where.block);
    const tensor = found.get(where.canonical) ?? { parts: [], transposed: where.transposed ?? false };
    if (tensor.parts[where.part] !== undefined) {
      throw new CheckpointError(
        "duplicate-tensor",
        `${file}: expected one tensor for ${where.canonical}, got ${tensor.parts[where.part]!.name} and ${name}`,
      );
    }
    tensor.parts[where.part] = { name, entry };
    found.set(where.canonical, tensor);
  }

  const layers = blocks.size;
  const required = [
    ...TOP_NAMES,
    // Without a known block the first one is what is missing.
    ...Array.from({ length: Math.max(1, layers) }, (_, layer) =>
      BLOCK_NAMES.map((name) => `transformer.resblocks.${layer}.${name}`),
    ).flat(),
  ];
  // Text-only files of Hugging Face's CLIPTextModel have no projection; a file with more than a text tower has one.
  if (!scheme.split || others || found.has("text_projection.bias")) required.push(PROJECTION);
  for (const name of required) {
    const expected = scheme.split && name.includes("attn.in_proj_") ? 3 : 1;
    const parts = found.get(name)?.parts ?? [];
    if (parts.filter(Boolean).length !== expected) {
      const part = expected === 3 && parts.length > 0 ? " (query, key and value)" : "";
      throw new CheckpointError(
        "missing-tensor",
        `${file}: expected ${name}${part} in ${naming} naming, found none`,
      );
    }
  }
  return { naming, tensors: found, layers, logitScale };
}

function locate(name: string, scheme: Scheme): (Place & { block?: number }) | undefined {
  if (scheme.split && name === PROJECTION) return place(PROJECTION);
  if (!name.startsWith(scheme.prefix)) return undefined;
  const bare = name.slice(scheme.prefix.length);
  const match = scheme.blocks.exec(bare);
  if (match === null) return scheme.top.get(bare);
  const inBlock = scheme.block.get(match[2]!);
  if (inBlock === undefined) return undefined;
  const block = Number(match[1]);
  return { ...inBlock, canonical: `transformer.resblocks.${block}.${inBlock.canonical}`, block };
}

function refuseIfText(name: string, scheme: Scheme, naming: Naming, file: string): void {
  if (scheme.prefix !== "" && !name.startsWith("text")) return;
  const reason = name.startsWith("text_model.head.")
    ? " (SigLIP's projection: its text tower is not supported)"
    : /(?:^|\.)cls_emb$/.test(name)
      ? " (CoCa's class token: its text tower is not supported)"
      : "";
  throw new CheckpointError(
    "unknown-tensor",
    `${file}: expected only tensors of a CLIP text tower in ${naming} naming, got ${list([name])}${reason}`,
  );
}

function withoutModule(name: string): string {
  return name.startsWith(MODULE) ? name.slice(MODULE.length) : name;
}

/** Some names, short enough for a message. */
function list(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, 4).map((name) => (name.length > 120 ? `${name.slice(0, 120)}…` : name));
  return shown.join(", ") + (all.length > shown.length ? ", …" : "");
}
