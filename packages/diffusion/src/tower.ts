/**
 * `ConditioningTower`: one text tower, used as a pipeline uses it. Prompts are padded to the context length and their
 * padding is computed like any token: it is part of what the image model sees.
 */
import { inspectCheckpoint } from "@textower/weights";
import { createTextEncoder, locateModel } from "textower";
import type { ClipTextEncoder, LongText, Prompt, TextEncoderOptions } from "textower";
import { towerUse } from "./presets.js";
import type { TowerPreset, TowerUse } from "./presets.js";

/** Options of a tower: those of `createTextEncoder`, but for what the preset decides. */
export type TowerOptions = Omit<TextEncoderOptions, "outputs" | "prefixCache">;

/** Options of one `encode`. */
export interface ConditioningOptions {
  /**
   * What becomes of a prompt that is too long: an error (`TextTooLongError`, default), or its last tokens are cut off. There is
   * no mean of windows: image models look at single rows.
   */
  readonly longText?: Exclude<LongText, "windows">;
  /** Stops between two runs; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What conditions an image model. The arrays are the caller's. */
export interface Conditioning {
  /** [prompts, contextLength, width] */
  readonly shape: readonly [number, number, number];
  /** Row-major: the pipelines' `prompt_embeds`. */
  readonly data: Float32Array;
  /** Projected end-of-text rows, not normalised: `pooled_prompt_embeds` of XL. Empty where the preset has none. [prompts, embedDim] */
  readonly pooled: Float32Array;
  /** Tokens cut off of each prompt; 0 unless `longText: "truncate"` had to. [prompts] */
  readonly cut: readonly number[];
}

/** See the file's head. Made by `openConditioningTower`; holds the backend's memory until `dispose`. */
export class ConditioningTower implements AsyncDisposable {
  /** @param encoder - belongs to the tower from here on; made with the outputs that `use` names */
  constructor(
    readonly encoder: ClipTextEncoder,
    readonly use: TowerUse,
  ) {}

  /**
   * Hidden states of prompts. A prompt given as tokens is neither cut nor padded yet: start of text, …, end of text.
   *
   * Rejects as `ClipTextEncoder.encode` does.
   */
  async encode(prompts: readonly Prompt[], options: ConditioningOptions = {}): Promise<Conditioning> {
    const { longText = "error", signal } = options;
    const { tokenizer, info } = this.encoder;
    const { contextLength, width } = info.descriptor;
    const padId = this.use.pad === "endOfText" ? tokenizer.endOfText.id : this.use.pad;
    const sequences = prompts.map((prompt) =>
      typeof prompt === "string"
        ? tokenizer.encode(prompt, { truncate: longText === "truncate" })
        : { ...prompt, cut: 0 },
    );
    // Pooling at the last row makes the encoder compute and return all of them; the vector is that of the prompt as it
    // is. The two share every row that they have in common.
    const padded = sequences.map(({ ids }) => ({
      ids: Array.from({ length: Math.max(contextLength, ids.length) }, (_, i) => ids[i] ?? padId),
      endOfText: contextLength - 1,
    }));
    const asked = this.use.pooled ? [...padded, ...sequences] : padded;
    const encoded = await this.encoder.encode(asked, {
      normalize: false,
      ...(signal === undefined ? {} : { signal }),
    });
    const data = new Float32Array(prompts.length * contextLength * width); // [prompts, contextLength, width]
    prompts.forEach((_, i) =>
      data.set(encoded.prompts[i]!.hidden[this.use.hidden]!, i * contextLength * width),
    );
    return {
      shape: [prompts.length, contextLength, width],
      data,
      pooled: this.use.pooled ? encoded.data.slice(prompts.length * info.embedDim) : new Float32Array(0),
      cut: sequences.map(({ cut }) => cut),
    };
  }

  /** Frees the encoder. Twice is harmless. */
  dispose(): Promise<void> {
    return this.encoder.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/**
 * Opens a text tower for a pipeline.
 *
 * Rejects as `createTextEncoder` does; with RangeError for a tower that cannot be used so: one with full attention, or
 * without the projection that `sdxl-2` needs.
 * @example
 * await using tower = await openConditioningTower("sd1", { model: "text_encoder/", activation: "quick_gelu" });
 * const { data, shape } = await tower.encode(["a lighthouse at dawn", ""]); // [2, 77, 768]
 */
export async function openConditioningTower(
  preset: TowerPreset,
  options: TowerOptions,
): Promise<ConditioningTower> {
  const { layers, attention, embedDim } = await describe(options);
  const use = towerUse(preset, layers);
  if (attention !== "causal") {
    throw new RangeError(
      `openConditioningTower: expected a causal tower for ${preset}, got one with full attention`,
    );
  }
  if (use.pooled && embedDim === null) {
    throw new RangeError(
      `openConditioningTower: expected a tower with a projection for ${preset}, got one without`,
    );
  }
  const outputs = use.pooled ? ([use.hidden, "embedding"] as const) : ([use.hidden] as const);
  return new ConditioningTower(await createTextEncoder({ ...options, outputs }), use);
}

async function describe({ model, ...options }: TowerOptions): Promise<{
  readonly layers: number;
  readonly attention: "causal" | "full";
  readonly embedDim: number | null;
}> {
  if (typeof model === "object" && "descriptor" in model) return model.descriptor;
  const located = await locateModel(model, options);
  return (await inspectCheckpoint(located.source, located.options)).descriptor;
}
