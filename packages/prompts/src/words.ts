/**
 * The words nearest to an embedding: what it "says". The words' vectors are a zero-shot head with words for classes, built once,
 * kept in its file, and asked often.
 */
import type { Vector } from "textower";
import { buildZeroShotHead } from "@textower/zero-shot";
import type { BuildOptions, ClassifyOptions, PromptEncoder, ZeroShotHead } from "@textower/zero-shot";

/** What is needed of a tokenizer to find its words: that of `@textower/tokenizer` has it, and so has `encoder.tokenizer`. */
export interface WordTokenizer {
  readonly vocabularySize: number;
  encode(text: string, options: { readonly contextLength: number }): { readonly ids: Int32Array };
  decode(ids: readonly number[]): string;
}

/** A word: two letters or more. */
const WORD = /^\p{L}{2,}$/u;

/**
 * Words that are one token, in the order of their ids: merges that were learnt early, of frequent words, come first. CLIP's
 * vocabulary has 32,895, in lower case, and endings such as "ing" among them.
 * @example vocabularyWords(encoder.tokenizer).slice(0, 10_000)
 */
export function vocabularyWords(tokenizer: WordTokenizer): string[] {
  const words: string[] = [];
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    const word = decoded(tokenizer, id);
    if (word === undefined || !WORD.test(word)) continue;
    const { ids } = tokenizer.encode(word, { contextLength: Infinity });
    if (ids.length === 3 && ids[1] === id) words.push(word); // others only occur within words
  }
  return words;
}

/** Vocabularies may leave ids out. */
function decoded(tokenizer: WordTokenizer, id: number): string | undefined {
  try {
    return tokenizer.decode([id]);
  } catch {
    return undefined;
  }
}

/** Options of `buildWordHead`. */
export interface WordHeadOptions extends Pick<BuildOptions, "checkpoint" | "signal" | "onProgress"> {
  /** Those of `vocabularyWords`, or words and phrases of your own. */
  readonly words: readonly string[];
  /** The sentence that a word is encoded in, with `{}` for the word. Default `"{}"`, the word alone. */
  readonly template?: string;
}

/**
 * Encodes words. The head is plain data, `words × embedDim` floats (67 MB for the vocabulary on ViT-B/32; while it is built, twice
 * that on top), and goes into a file with `writeZeroShotHead`.
 *
 * Rejects as `buildZeroShotHead` does; the checkpoint's temperature is not needed.
 * @example
 * const head = await buildWordHead(encoder, { words: vocabularyWords(encoder.tokenizer) });
 * nearestWords(head, embedding, { topK: 5 }); // [{ word, similarity }, …]
 */
export function buildWordHead(
  encoder: PromptEncoder,
  { words, template = "{}", ...options }: WordHeadOptions,
): Promise<ZeroShotHead> {
  const { logitScale = 0 } = encoder;
  return buildZeroShotHead(encoder, { classes: words, templates: [template], logitScale, ...options });
}

/** A word that is near. */
export interface NearWord {
  readonly word: string;
  /** Cosine, −1 … 1. */
  readonly similarity: number;
}

/**
 * The words nearest to an embedding, of a text, a picture or a mix of them, nearest first.
 * @param head - of `buildWordHead`, or one that was read from its file
 * @param options - `topK`: words to return, default 10; `checkpoint`: where the embedding comes from, to be compared
 * @throws as `head.classify`
 */
export function nearestWords(
  head: ZeroShotHead,
  embedding: Vector,
  { topK = 10, ...options }: ClassifyOptions = {},
): NearWord[] {
  const [predictions] = head.classify([embedding], { topK, ...options });
  return predictions!.map(({ label, similarity }) => ({ word: label, similarity }));
}
