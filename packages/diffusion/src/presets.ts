/**
 * What the published pipelines take from a text tower, and how they pad prompts.
 *
 * Sources: diffusers (`pipeline_stable_diffusion.py`, `pipeline_stable_diffusion_xl.py`, issues 1721, 1863, 2201) and
 * the tokenizers published with the models: 1.x and the first tower of XL pad with end of text, 2.x and the second
 * tower of XL with "!", whose id is 0.
 */
import type { TextEncoderOutput } from "@textower/model";

/**
 * - `sd1`: Stable Diffusion 1.x. Last hidden state, final norm applied.
 * - `sd2`: Stable Diffusion 2.x. Last but one, final norm applied.
 * - `sdxl-1`, `sdxl-2`: the two towers of XL. Last but one, no norm; of the second the projected vector too.
 */
export type TowerPreset = "sd1" | "sd2" | "sdxl-1" | "sdxl-2";

/** How a tower is used. */
export interface TowerUse {
  /** The hidden state that conditions the image model. */
  readonly hidden: TextEncoderOutput;
  /** Whether the projected pooled vector is wanted, too. */
  readonly pooled: boolean;
  /** What fills prompts up to the context length: an id, or end of text once more. */
  readonly pad: number | "endOfText";
}

/** Id of "!", CLIP's first token. */
const EXCLAMATION_MARK = 0;
/**
 * Blocks of 2.x's tower as diffusers ships it: ViT-H/14 has 24, and the last, which is never used, was left out. Its
 * last hidden state is the other's last but one.
 */
const SHORTENED_VIT_H_LAYERS = 23;

/**
 * How a pipeline uses a tower of so many blocks.
 * @throws RangeError for an unknown preset, or a tower without a last but one state
 */
export function towerUse(preset: TowerPreset, layers: number): TowerUse {
  if (!Number.isInteger(layers) || layers < 2) {
    throw new RangeError(`towerUse: expected a tower of 2 blocks or more, got ${layers}`);
  }
  const penultimate = `hidden.${layers - 1}` as const;
  switch (preset) {
    case "sd1":
      return { hidden: "last", pooled: false, pad: "endOfText" };
    case "sd2":
      return {
        hidden: layers === SHORTENED_VIT_H_LAYERS ? "last" : `${penultimate}.norm`,
        pooled: false,
        pad: EXCLAMATION_MARK,
      };
    case "sdxl-1":
      return { hidden: penultimate, pooled: false, pad: "endOfText" };
    case "sdxl-2":
      return { hidden: penultimate, pooled: true, pad: EXCLAMATION_MARK };
    default:
      preset satisfies never;
      throw new RangeError(`towerUse: expected sd1, sd2, sdxl-1 or sdxl-2, got ${String(preset)}`);
  }
}
