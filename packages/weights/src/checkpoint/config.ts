/**
 * Reads what a config file says of a text tower: transformers' `config.json`, OpenCLIP's `open_clip_config.json`.
 * Missing keys have the defaults of those libraries, and text models that are not this tower are refused by name.
 *
 * Sources: transformers `configuration_clip.py`; open_clip `model.py` (`CLIPTextCfg`).
 */
import { CLIP_VOCABULARY } from "./descriptor.js";
import type { Activation, Pooling, TextConfig } from "./descriptor.js";
import { CheckpointError } from "./errors.js";
import type { TowerSizes } from "./shapes.js";
import { unsupportedOpenClip, unsupportedType } from "./unsupported.js";

/**
 * @param value - the parsed JSON
 * @returns undefined if it is no config of a model at all
 * @throws CheckpointError `unsupported-model`, `bad-config`
 */
export function parseConfig(value: unknown, label: string): TextConfig | undefined {
  const fields = Fields.of(value, label);
  if (fields === undefined) return undefined;
  const model = fields.object("model_cfg") ?? fields;
  if (model.has("text_cfg")) return parseOpenClip(model, label);
  if (fields.has("model_cfg")) throw fields.bad("text_cfg in model_cfg", "none");
  if (fields.has("model_type") || fields.has("text_config") || fields.has("text_config_dict")) {
    return parseHuggingFace(fields, label);
  }
  return undefined;
}

const HUGGING_FACE_ACTIVATIONS: ReadonlyMap<string, Activation> = new Map([
  ["quick_gelu", "quick_gelu"],
  ["gelu", "gelu"],
  ["gelu_pytorch_tanh", "gelu_tanh"],
  ["gelu_new", "gelu_tanh"],
]);

/** Defaults of transformers' `CLIPTextConfig`. */
const HUGGING_FACE_SIZES: readonly (readonly [key: string, size: keyof TowerSizes, fallback: number])[] = [
  ["hidden_size", "width", 512],
  ["num_hidden_layers", "layers", 12],
  ["intermediate_size", "mlpWidth", 2048],
  ["max_position_embeddings", "contextLength", 77],
  ["vocab_size", "vocabSize", 49408],
];

function parseHuggingFace(top: Fields, label: string): TextConfig {
  const type = top.text("model_type") ?? "clip";
  if (type !== "clip" && type !== "clip_text_model") {
    throw new CheckpointError(
      "unsupported-model",
      `${label}: expected model_type clip or clip_text_model, got ${type}: ${unsupportedType(type) ?? "another text model than CLIP's"}`,
    );
  }
  // The values of `text_config_dict`, in very old files, win over those of `text_config`.
  const text =
    type === "clip_text_model"
      ? top
      : (top.object("text_config") ?? top.empty()).with(top.object("text_config_dict"));
  const inner = text.text("model_type") ?? "clip_text_model";
  if (inner !== "clip_text_model") {
    throw new CheckpointError(
      "unsupported-model",
      `${label}: expected a text_config of model_type clip_text_model, got ${inner}: ${unsupportedType(inner) ?? "another text model than CLIP's"}`,
    );
  }
  const name = text.text("hidden_act") ?? "quick_gelu";
  const activation = HUGGING_FACE_ACTIVATIONS.get(name);
  if (activation === undefined) {
    const known = [...HUGGING_FACE_ACTIVATIONS.keys()].join(", ");
    throw new CheckpointError("unsupported-model", `${label}: expected hidden_act ${known}, got ${name}`);
  }
  const vocabSize = text.count("vocab_size") ?? 49408;
  return {
    label,
    sizes: sizesFrom(text, HUGGING_FACE_SIZES),
    doubtful: projectionSizes(top, text),
    activation,
    heads: text.count("num_attention_heads") ?? 8,
    layerNormEpsilon: text.number("layer_norm_eps") ?? 1e-5,
    attention: "causal",
    padId: text.index("pad_token_id") ?? 1,
    pooling: huggingFacePooling(text.index("eos_token_id") ?? 49407, vocabSize),
  };
}

/**
 * `CLIPModel` takes the upper projection_dim, `CLIPTextModelWithProjection` that of `text_config`, and published configs
 * have two different ones.
 */
function projectionSizes(top: Fields, text: Fields): TextConfig["doubtful"] {
  const values = [top.count("projection_dim"), text.count("projection_dim")];
  const given = [...new Set(values.filter((value) => value !== undefined))];
  return given.length === 0 ? [] : [{ key: "projection_dim", size: "embedDim", values: given }];
}

/**
 * Published configs often carry 2 for the end of text, a mistake that transformers answers with an argmax over ids
 * (`modeling_clip.py` since 4.31). With ids added to the vocabulary argmax is wrong as well, and 49407 is meant.
 */
function huggingFacePooling(endOfText: number, vocabSize: number): Pooling {
  if (endOfText !== 2) return { rule: "first", endOfText };
  return vocabSize <= CLIP_VOCABULARY
    ? { rule: "argmax", endOfText: vocabSize - 1 }
    : { rule: "first", endOfText: CLIP_VOCABULARY - 1 };
}

/** Defaults of OpenCLIP's `CLIPTextCfg`. */
const OPEN_CLIP_SIZES: typeof HUGGING_FACE_SIZES = [
  ["width", "width", 512],
  ["layers", "layers", 12],
  ["context_length", "contextLength", 77],
  ["vocab_size", "vocabSize", 49408],
];

/** Keys of `text_cfg` that are read here, or that change nothing about the embedding of this tower. */
const OPEN_CLIP_KEYS = new Set(
  [
    OPEN_CLIP_SIZES.map(([key]) => key),
    [
      "heads",
      "mlp_ratio",
      "pad_id",
      "eos_id",
      "bos_id",
      "no_causal_mask",
      "pool_type",
      "proj_type",
      "proj_bias",
    ],
    ["act_kwargs", "norm_kwargs", "tokenizer_kwargs"],
    // Pooling takes one row, and a norm of rows gives the same before and after.
    ["final_ln_after_pool", "output_tokens"],
    ["hf_model_pretrained", "hf_proj_type", "hf_pooler_type", "hf_model_config"],
  ].flat(),
);

function parseOpenClip(model: Fields, label: string): TextConfig {
  const text = model.object("text_cfg") ?? model.empty();
  const refuse = (reason: string): CheckpointError =>
    new CheckpointError("unsupported-model", `${label}: expected CLIP's own text tower, got ${reason}`);
  const encoder = text.text("hf_model_name");
  const tokenizer = text.text("hf_tokenizer_name");
  const known = unsupportedOpenClip(encoder, tokenizer);
  const because = known === undefined ? "" : `: ${known}`;
  if (encoder !== undefined) throw refuse(`the text encoder ${encoder} (hf_model_name)${because}`);
  if (tokenizer !== undefined) throw refuse(`the tokenizer ${tokenizer} (hf_tokenizer_name)${because}`);
  if (model.has("multimodal_cfg")) throw refuse("a captioning model (multimodal_cfg)");
  for (const key of text.keys()) {
    if (!OPEN_CLIP_KEYS.has(key) && text.isSet(key)) throw refuse(`text_cfg.${key}`);
  }
  const tokenizerOptions = text.object("tokenizer_kwargs");
  for (const key of tokenizerOptions?.keys() ?? []) {
    if (key !== "clean" || tokenizerOptions?.text(key) !== "lower")
      throw refuse(`text_cfg.tokenizer_kwargs.${key}`);
  }
  const projection = text.text("proj_type") ?? "linear";
  if (projection !== "linear") throw refuse(`proj_type ${projection}`);

  const width = text.count("width") ?? 512;
  const vocabSize = text.count("vocab_size") ?? 49408;
  const pool = text.text("pool_type") ?? "argmax";
  if (pool !== "argmax" && pool !== "eos") throw refuse(`pool_type ${pool}`);
  const norm = text.object("norm_kwargs");
  const embedDim = model.count("embed_dim");
  return {
    label,
    sizes: [
      ...sizesFrom(text, OPEN_CLIP_SIZES),
      {
        key: "width · mlp_ratio",
        size: "mlpWidth",
        value: Math.trunc(width * (text.number("mlp_ratio") ?? 4)),
        isDefault: !text.has("mlp_ratio"),
      },
      ...(embedDim === undefined
        ? []
        : [{ key: "embed_dim", size: "embedDim" as const, value: embedDim, isDefault: false }]),
    ],
    doubtful: [],
    activation: openClipActivation(model, text),
    heads: text.count("heads") ?? 8,
    layerNormEpsilon: norm?.number("eps") ?? 1e-5,
    attention: text.flag("no_causal_mask") ? "full" : "causal",
    padId: text.index("pad_id") ?? 0,
    pooling:
      pool === "eos"
        ? { rule: "first", endOfText: text.index("eos_id") ?? 2 }
        : { rule: "argmax", endOfText: Math.min(vocabSize, CLIP_VOCABULARY) - 1 },
  };
}

function openClipActivation(model: Fields, text: Fields): Activation {
  if (model.flag("quick_gelu")) return "quick_gelu";
  const approximate = text.object("act_kwargs")?.text("approximate") ?? "none";
  if (approximate === "tanh") return "gelu_tanh";
  if (approximate === "none") return "gelu";
  throw text.bad('act_kwargs.approximate "tanh" or "none"', approximate);
}

function sizesFrom(fields: Fields, table: typeof HUGGING_FACE_SIZES): TextConfig["sizes"] {
  return table.map(([key, size, fallback]) => {
    const value = fields.count(key);
    return { key, size, value: value ?? fallback, isDefault: value === undefined };
  });
}

/** A JSON object whose members are read by type; `null` counts as absent. */
class Fields {
  private constructor(
    private readonly values: ReadonlyMap<string, unknown>,
    private readonly label: string,
  ) {}

  static of(value: unknown, label: string): Fields | undefined {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return new Fields(new Map(Object.entries(value)), label);
  }

  keys(): Iterable<string> {
    return this.values.keys();
  }

  empty(): Fields {
    return new Fields(new Map(), this.label);
  }

  with(other: Fields | undefined): Fields {
    return other === undefined ? this : new Fields(new Map([...this.values, ...other.values]), this.label);
  }

  has(key: string): boolean {
    return (this.values.get(key) ?? null) !== null;
  }

  /** Whether it is there and not switched off. */
  isSet(key: string): boolean {
    return this.has(key) && this.values.get(key) !== false;
  }

  object(key: string): Fields | undefined {
    if (!this.has(key)) return undefined;
    const fields = Fields.of(this.values.get(key), `${this.label}: ${key}`);
    if (fields === undefined) throw this.bad(`an object for ${key}`, this.values.get(key));
    return fields;
  }

  text(key: string): string | undefined {
    return this.typed(key, "a string", (value) => typeof value === "string") as string | undefined;
  }

  flag(key: string): boolean {
    return (
      (this.typed(key, "true or false", (value) => typeof value === "boolean") as boolean | undefined) ??
      false
    );
  }

  number(key: string): number | undefined {
    return this.typed(
      key,
      "a positive number",
      (value) => Number.isFinite(value) && (value as number) > 0,
    ) as number | undefined;
  }

  /** An integer from 1 on. */
  count(key: string): number | undefined {
    return this.typed(
      key,
      "a positive integer",
      (value) => Number.isSafeInteger(value) && (value as number) > 0,
    ) as number | undefined;
  }

  /** An integer from 0 on. */
  index(key: string): number | undefined {
    return this.typed(
      key,
      "an integer ≥ 0",
      (value) => Number.isSafeInteger(value) && (value as number) >= 0,
    ) as number | undefined;
  }

  bad(expected: string, got: unknown): CheckpointError {
    const shown = typeof got === "string" ? got : (JSON.stringify(got) ?? String(got)).slice(0, 80);
    return new CheckpointError("bad-config", `${this.label}: expected ${expected}, got ${shown}`);
  }

  private typed(key: string, expected: string, test: (value: unknown) => boolean): unknown {
    if (!this.has(key)) return undefined;
    const value = this.values.get(key);
    if (!test(value)) throw this.bad(`${expected} for ${key}`, value);
    return value;
  }
}
