// What `createTokenizer` takes, and its checks: from options as given to settings that hold together.

import type { Literal } from "./added-tokens.js";
import { clipVocabulary } from "./clip-vocabulary.js";
import { CLEANERS } from "./cleaning/clean.js";
import { TokenizerOptionsError } from "./errors.js";
import type { AddedToken, Cleaning, SpecialToken, Vocabulary } from "./vocabulary.js";

/** Options of `createTokenizer`; all have defaults. */
export interface TokenizerOptions {
  /** Most tokens of a text, start and end included. Default 77. */
  readonly contextLength?: number;
  /** How texts are cleaned. Default: what the vocabulary's file prescribes, else `"openai"`. */
  readonly cleaning?: Cleaning;
  /** Fills rows in `padded`. Default 0 as in openai/CLIP, but end-of-text with `cleaning: "huggingface"`. */
  readonly padId?: number;
  /** First token of every text. Default: the vocabulary's, `<|startoftext|>` 49406. */
  readonly startOfText?: Partial<SpecialToken>;
  /** Last token of every text. Default: the vocabulary's, `<|endoftext|>` 49407. */
  readonly endOfText?: Partial<SpecialToken>;
  /** Default: the built-in `clipVocabulary()`. */
  readonly vocabulary?: Vocabulary;
  /** Tokens beyond the vocabulary's own, as for textual inversion. */
  readonly addedTokens?: readonly AddedToken[];
  /** Most words whose tokens are kept for the next time; 0 keeps none. Default 16,384. */
  readonly cacheWords?: number;
}

/** Options with every default filled in, checked. */
export interface Settings {
  readonly contextLength: number;
  readonly cleaning: Cleaning;
  readonly padId: number;
  readonly startOfText: SpecialToken;
  readonly endOfText: SpecialToken;
  readonly vocabulary: Vocabulary;
  /** Tokens of the vocabulary's file and of the options, with their ids. */
  readonly added: readonly (Literal & { readonly normalized: boolean })[];
  readonly cacheWords: number;
}

/** The context of every published CLIP: openai/CLIP, clip/clip.py, tokenize. */
const CLIP_CONTEXT_LENGTH = 77;
const DEFAULT_CACHE_WORDS = 16_384;

/**
 * Fills in defaults.
 *
 * @throws TokenizerOptionsError for a value out of range, or tokens that share a literal or an id
 */
export function resolveOptions(options: TokenizerOptions): Settings {
  const vocabulary = options.vocabulary ?? clipVocabulary();
  const cleaning = options.cleaning ?? vocabulary.cleaning ?? "openai";
  if (!Object.hasOwn(CLEANERS, cleaning)) {
    const names = Object.keys(CLEANERS).join(" | ");
    throw new TokenizerOptionsError(`createTokenizer: expected cleaning ${names}, got ${String(cleaning)}`);
  }
  const startOfText = { ...vocabulary.startOfText, ...options.startOfText };
  const endOfText = { ...vocabulary.endOfText, ...options.endOfText };
  const padId = options.padId ?? (cleaning === "huggingface" ? endOfText.id : 0);
  const contextLength = options.contextLength ?? CLIP_CONTEXT_LENGTH;
  const cacheWords = options.cacheWords ?? DEFAULT_CACHE_WORDS;
  requireInteger("contextLength", contextLength, 2);
  requireInteger("padId", padId, 0);
  requireInteger("cacheWords", cacheWords, 0);
  requireInteger("startOfText.id", startOfText.id, 0);
  requireInteger("endOfText.id", endOfText.id, 0);
  const added = resolveAdded(
    [...vocabulary.addedTokens, ...(options.addedTokens ?? [])],
    [startOfText, endOfText],
    vocabulary,
  );
  return { contextLength, cleaning, padId, startOfText, endOfText, vocabulary, added, cacheWords };
}

function resolveAdded(
  tokens: readonly AddedToken[],
  specials: readonly SpecialToken[],
  vocabulary: Vocabulary,
): Settings["added"] {
  const contents = new Set<string>();
  const ids = new Set<number>();
  const claim = (content: string, id: number): void => {
    if (typeof content !== "string" || content.trim() === "") {
      throw new TokenizerOptionsError(
        `createTokenizer: expected the literal of a token, got ${JSON.stringify(content)}`,
      );
    }
    requireInteger(`id of ${JSON.stringify(content)}`, id, 0);
    if (contents.has(content) || ids.has(id)) {
      throw new TokenizerOptionsError(
        `createTokenizer: expected tokens with literals and ids of their own, got ${JSON.stringify(content)} ${id} beside another`,
      );
    }
    contents.add(content);
    ids.add(id);
  };
  for (const { content, id } of specials) claim(content, id);

  const own = new Set(vocabulary.addedTokens.map(({ id }) => id));
  let free = Math.max(
    vocabulary.size,
    ...specials.map(({ id }) => id + 1),
    ...tokens.map(({ id }) => (id ?? -1) + 1),
  );
  return tokens.map(({ content, id = free++, singleWord = false, normalized = true }) => {
    if (id < vocabulary.size && !own.has(id)) {
      throw new TokenizerOptionsError(
        `createTokenizer: expected an id of at least ${vocabulary.size} for ${JSON.stringify(content)}, got ${id}`,
      );
    }
    claim(content, id);
    return { content, id, singleWord, normalized };
  });
}

function requireInteger(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least || value > 0x7fffffff) {
    throw new TokenizerOptionsError(
      `createTokenizer: expected ${name} to be an integer from ${least}, got ${String(value)}`,
    );
  }
}
