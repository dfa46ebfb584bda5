/** Prompts on their way into an encoder: to tokens, checked, and from a stream some at a time. */
import type { TokenSequence } from "@textower/model";
import type { Tokenizer } from "@textower/tokenizer";
import type { Encoded, Prompt } from "./encoder.js";

/** Tokens of a prompt, and how many were cut off. */
export type CutSequence = TokenSequence & { readonly cut: number };

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
 * @throws TypeError for a prompt that is neither, TextTooLongError, RangeError for too many tokens or ids outside the
 * vocabulary
 */
export function tokenizePrompts(
  prompts: readonly Prompt[],
  tokenizer: Tokenizer,
  limits: TokenLimits,
  truncate: boolean,
): readonly CutSequence[] {
  if (prompts.every((prompt) => typeof prompt === "string"))
    return tokenizer.encodeBatch(prompts, { truncate });
  return prompts.map((prompt, index) =>
    typeof prompt === "string" ? tokenizer.encode(prompt, { truncate }) : checked(prompt, index, limits),
  );
}

function checked(
  prompt: TokenSequence,
  index: number,
  { vocabSize, contextLength }: TokenLimits,
): CutSequence {
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
  return { ...prompt, cut: 0 };
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
