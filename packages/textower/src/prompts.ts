/** Prompts on their way into an encoder: to tokens, checked, and from a stream some at a time. */
import type { TokenSequence } from "@textower/model";
import { TextTooLongError } from "@textower/tokenizer";
import type { Tokenizer } from "@textower/tokenizer";
import type { Encoded, Prompt } from "./encoder.js";
import { cutIntoWindows, longTextPolicy } from "./long-text.js";
import type { LongTextOptions, LongTextPolicy } from "./long-text.js";

/** What became of a prompt on its way to tokens. */
export interface TokenizedPrompt {
  /** Place of its first window among the windows of all prompts. */
  readonly first: number;
  /** At least 1. */
  readonly windows: number;
  /** Tokens of all its windows. */
  readonly tokens: number;
  /** Tokens that were cut off. */
  readonly cut: number;
}

/** Prompts as tokens. */
export interface TokenizedPrompts {
  /** What is encoded: the windows of all prompts, one after another. [windows] */
  readonly sequences: readonly TokenSequence[];
  /** [prompts] */
  readonly prompts: readonly TokenizedPrompt[];
}

/** What the ids of prompts that come as tokens are held against. */
export interface TokenLimits {
  readonly contextLength: number;
  readonly vocabSize: number;
}

/** One prompt, or a list of them, as a list. */
export function listOf(prompts: Prompt | readonly Prompt[]): readonly Prompt[] {
  return typeof prompts === "string" || "ids" in prompts ? [prompts] : prompts;
}

/**
 * Tokenises what is text and checks what is tokens.
 * @throws TypeError for a prompt that is neither, TextTooLongError, RangeError for too many tokens, ids outside the
 * vocabulary or a policy that there is none of
 */
export function tokenizePrompts(
  prompts: readonly Prompt[],
  tokenizer: Tokenizer,
  limits: TokenLimits,
  options: LongTextOptions,
): TokenizedPrompts {
  const contextLength = Math.min(tokenizer.contextLength, limits.contextLength);
  const policy = longTextPolicy(options, contextLength);
  const sequences: TokenSequence[] = [];
  const tokenized = prompts.map((prompt, index): TokenizedPrompt => {
    const first = sequences.length;
    if (typeof prompt !== "string") {
      sequences.push(checked(prompt, index, limits));
      return { first, windows: 1, tokens: prompt.ids.length, cut: 0 };
    }
    const { windows, cut } = windowsOf(prompt, index, tokenizer, contextLength, policy);
    for (const window of windows) sequences.push(window);
    const tokens = windows.reduce((sum, { ids }) => sum + ids.length, 0);
    return { first, windows: windows.length, tokens, cut };
  });
  return { sequences, prompts: tokenized };
}

/** The place of the prompt that each window is of. [windows] */
export function promptOfEachWindow(prompts: readonly TokenizedPrompt[]): number[] {
  return prompts.flatMap(({ windows }, prompt) => Array.from({ length: windows }, () => prompt));
}

/** One window for a text that fits. */
function windowsOf(
  text: string,
  index: number,
  tokenizer: Tokenizer,
  contextLength: number,
  { longText, windowOverlap }: LongTextPolicy,
): { readonly windows: readonly TokenSequence[]; readonly cut: number } {
  if (longText === "truncate") {
    const encoding = tokenizer.encode(text, { truncate: true, contextLength });
    return { windows: [encoding], cut: encoding.cut };
  }
  const encoding = tokenizer.encode(text, { contextLength: Infinity });
  const { ids } = encoding;
  if (ids.length <= contextLength) return { windows: [encoding], cut: 0 };
  if (longText === "error") throw new TextTooLongError(text, ids.length, contextLength, index);
  const windows = cutIntoWindows(ids, contextLength, windowOverlap).map((window) => {
    return { ids: window, endOfText: window.indexOf(tokenizer.endOfText.id) }; // the first one, as in any text
  });
  return { windows, cut: 0 };
}

function checked(
  prompt: TokenSequence,
  index: number,
  { vocabSize, contextLength }: TokenLimits,
): TokenSequence {
  if (typeof prompt !== "object" || prompt === null || !("ids" in prompt)) {
    throw new TypeError(`encode: expected a text or tokens for prompt ${index}, got ${typeof prompt}`);
  }
  const { ids } = prompt;
  if (ids.length === 0 || ids.length > contextLength) {
    throw new RangeError(
      `encode: expected 1 to ${contextLength} tokens for prompt ${index}, got ${ids.length}`,
    );
  }
  for (let i = 0; i < ids.length; i++) {
    if (!(Number.isInteger(ids[i]) && ids[i]! >= 0 && ids[i]! < vocabSize)) {
      throw new RangeError(
        `encode: expected ids below ${vocabSize} in prompt ${index}, got ${ids[i]} at ${i}`,
      );
    }
  }
  return prompt;
}

/** Prompts taken from a stream at a time. */
const STREAM_PROMPTS = 1024;

/** Encodes a stream in order; nothing more is taken until what was taken has been given out. */
export async function* encodeInBatches(
  prompts: Iterable<Prompt> | AsyncIterable<Prompt>,
  encode: (batch: readonly Prompt[]) => Promise<{ readonly prompts: readonly Encoded[] }>,
): AsyncGenerator<Encoded, void, undefined> {
  let batch: Prompt[] = [];
  for await (const prompt of prompts) {
    if (batch.push(prompt) < STREAM_PROMPTS) continue;
    yield* (await encode(batch)).prompts;
    batch = [];
  }
  if (batch.length > 0) yield* (await encode(batch)).prompts;
}
