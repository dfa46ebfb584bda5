/** The two towers of Stable Diffusion XL together: their states side by side, and the second one's vector. */
import type { Prompt } from "textower";
import { openConditioningTower } from "./tower.js";
import type { Conditioning, ConditioningOptions, ConditioningTower, TowerOptions } from "./tower.js";

/** Both towers. Holds their memory until `dispose`. Made by `openStableDiffusionXL`. */
export class StableDiffusionXL implements AsyncDisposable {
  constructor(
    readonly first: ConditioningTower,
    readonly second: ConditioningTower,
  ) {}

  /**
   * `prompt_embeds` [prompts, 77, 768 + 1280] and `pooled_prompt_embeds` [prompts, 1280] of prompts.
   * @param secondPrompts - other texts for the second tower; default: the same
   * Rejects as `ConditioningTower.encode` does, and with RangeError for another number of second prompts.
   */
  async encode(
    prompts: readonly Prompt[],
    options: ConditioningOptions = {},
    secondPrompts: readonly Prompt[] = prompts,
  ): Promise<Conditioning> {
    if (secondPrompts.length !== prompts.length) {
      throw new RangeError(`encode: expected ${prompts.length} second prompts, got ${secondPrompts.length}`);
    }
    const a = await this.first.encode(prompts, options);
    const b = await this.second.encode(secondPrompts, options);
    const [count, contextLength, widthA] = a.shape;
    const widthB = b.shape[2];
    const width = widthA + widthB;
    const data = new Float32Array(count * contextLength * width); // [prompts, contextLength, widthA + widthB]
    for (let row = 0; row < count * contextLength; row++) {
      data.set(a.data.subarray(row * widthA, (row + 1) * widthA), row * width);
      data.set(b.data.subarray(row * widthB, (row + 1) * widthB), row * width + widthA);
    }
    const cut = a.cut.map((tokens, i) => Math.max(tokens, b.cut[i]!));
    return { shape: [count, contextLength, width], data, pooled: b.pooled, cut };
  }

  /** Frees both towers. Twice is harmless. */
  async dispose(): Promise<void> {
    await this.first.dispose();
    await this.second.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/**
 * Opens both towers: `text_encoder` and `text_encoder_2` of a repository, or one file twice, with `container`.
 *
 * Rejects as `openConditioningTower` does, and with RangeError for towers of different context lengths. Nothing stays
 * open then.
 */
export async function openStableDiffusionXL(towers: {
  readonly first: TowerOptions;
  readonly second: TowerOptions;
}): Promise<StableDiffusionXL> {
  const first = await openConditioningTower("sdxl-1", towers.first);
  try {
    const second = await openConditioningTower("sdxl-2", towers.second);
    const lengths = [first, second].map(({ encoder }) => encoder.info.descriptor.contextLength);
    if (lengths[0] === lengths[1]) return new StableDiffusionXL(first, second);
    await second.dispose();
    throw new RangeError(
      `openStableDiffusionXL: expected towers of one context length, got ${lengths[0]} and ${lengths[1]}`,
    );
  } catch (error) {
    await first.dispose();
    throw error;
  }
}
