/** From prompts as callers give them to tokens that are known to be good. */
import type { LongText, Prompt, PromptTokenizer } from "./encoder.js";
import { PromptError } from "./errors.js";

/** Tokens of a prompt, checked. */
export interface CheckedTokens {
  readonly ids: Int32Array;
  readonly endOfText: number;
  /** Tokens that were cut off. */
  readonly cut: number;
}

/** Far more than any text whose tokens fit; all of one is tokenised before it can be refused for its tokens. */
const LONGEST_TEXT = 16_384;
/** In a pattern with `u`, pairs are one character of another category. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * @param index - place of the prompt in its call, for errors
 * @throws PromptError
 */
export function checkedTokens(
  prompt: Prompt,
  index: number,
  tokenizer: PromptTokenizer,
  longText: LongText,
): CheckedTokens {
  if (typeof prompt === "string") return tokensOfText(prompt, index, tokenizer, longText);
  const { ids } = prompt;
  const { contextLength, vocabularySize, startOfText, endOfText } = tokenizer;
  if (ids.length < 2 || ids.length > contextLength) {
    throw new PromptError(
      index,
      `expected 2 to ${contextLength} tokens, start and end of text included, got ${ids.length}`,
    );
  }
  for (let i = 0; i < ids.length; i++) {
    if (!(Number.isInteger(ids[i]) && ids[i]! >= 0 && ids[i]! < vocabularySize)) {
      throw new PromptError(index, `expected token ids below ${vocabularySize}, got ${ids[i]} at ${i}`);
    }
  }
  // Ids of another tokenizer would give a vector as well, of no meaning.
  if (ids[0] !== startOfText.id || ids[ids.length - 1] !== endOfText.id) {
    throw new PromptError(
      index,
      `expected tokens from start of text (${startOfText.id}) to end of text (${endOfText.id}), ` +
        `got ${ids[0]} … ${ids[ids.length - 1]}`,
    );
  }
  const copy = Int32Array.from(ids);
  return { ids: copy, endOfText: copy.indexOf(endOfText.id), cut: 0 };
}

function tokensOfText(
  text: string,
  index: number,
  tokenizer: PromptTokenizer,
  longText: LongText,
): CheckedTokens {
  if (text.length > LONGEST_TEXT) {
    throw new PromptError(index, `expected at most ${LONGEST_TEXT} characters, got ${text.length}`);
  }
  if (LONE_SURROGATE.test(text)) throw new PromptError(index, "expected text, got half of a surrogate pair");
  try {
    return tokenizer.encode(text, { truncate: longText === "truncate" });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "TextTooLongError") throw error;
    const { length } = error as Error & { readonly length?: number };
    throw new PromptError(
      index,
      `expected at most ${tokenizer.contextLength} tokens, start and end of text included, got ${length ?? "more"}`,
      { cause: error },
    );
  }
}
