/** Where the weights lie. A module of its own, for bundles that have no use for two hundred pictures. */

/** Locations of the weights and what belongs to them. Each URL is a literal: only such files do bundlers copy. */
export const shapesCheckpoint = {
  /** Weights in Hugging Face's `CLIPTextModelWithProjection` layout, float16 and float32, safetensors. */
  model: new URL("../data/model.safetensors", import.meta.url),
  /** Hugging Face `config.json`, `model_type` "clip_text_model". */
  config: new URL("../data/config.json", import.meta.url),
} as const;
