/** What is measured: three works, as people use text towers. */
import type { Tokenizer } from "@textower/tokenizer";
import { mixedCaptions } from "./prompts/captions.js";
import { headPrompts } from "./prompts/head.js";

/** Names of works: one prompt at a time, mixed captions, a zero-shot head. */
export const WORK_NAMES = ["prompt", "captions", "head"] as const;

/** See `WORK_NAMES`. */
export type WorkName = (typeof WORK_NAMES)[number];

/** How much of each is done in a turn. */
export interface WorkSizes {
  /** Repetitions of the lone prompt. Default 20. */
  readonly prompts?: number;
  /** Default 128. */
  readonly captions?: number;
  /** Classes of the head, of 80 templates each; at most 25. Default 5. */
  readonly classes?: number;
}

/** One work. */
export interface Work {
  readonly name: WorkName;
  readonly prompts: readonly string[];
  /** Tokens of all prompts together, start and end of text included. */
  readonly tokens: number;
  /** How often the prompts are encoded in a turn; each time counts by itself. */
  readonly repeats: number;
}

const LONE_PROMPT = "a photo of a cat";

/** Makes the works of these names. */
export function makeWorks(names: readonly WorkName[], sizes: WorkSizes, tokenizer: Tokenizer): Work[] {
  const tokens = (text: string): number => tokenizer.encode(text).ids.length;
  const make = {
    prompt: () => ({ prompts: [LONE_PROMPT], repeats: sizes.prompts ?? 20 }),
    captions: () => ({ prompts: mixedCaptions(sizes.captions ?? 128, tokens), repeats: 1 }),
    head: () => ({ prompts: headPrompts(sizes.classes ?? 5), repeats: 1 }),
  };
  return names.map((name) => {
    const { prompts, repeats } = make[name]();
    return { name, prompts, repeats, tokens: prompts.reduce((sum, text) => sum + tokens(text), 0) };
  });
}
