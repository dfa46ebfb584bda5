// Tokens of words seen lately. Bounded in words and in the length of a word, so that no text can fill the memory.

/** Longer words are merged each time; captions have none. */
const LONGEST_WORD = 64;

/**
 * Two generations: what was used since the last turn, and what was used in the turn before. A turn comes when the young one
 * holds half the limit; what was in the old one and not asked for again is then forgotten.
 */
export class WordCache {
  readonly #half: number;
  #young = new Map<string, Int32Array>();
  #old = new Map<string, Int32Array>();

  /** @param words - the most words kept; under 2 keeps none */
  constructor(words: number) {
    this.#half = Math.floor(words / 2);
  }

  get enabled(): boolean {
    return this.#half > 0;
  }

  /** Words held now, at most the limit. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(word: string): Int32Array | undefined {
    const young = this.#young.get(word);
    if (young !== undefined) return young;
    const old = this.#old.get(word);
    if (old !== undefined) this.set(word, old);
    return old;
  }

  set(word: string, tokens: Int32Array): void {
    if (word.length > LONGEST_WORD) return;
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(word, tokens);
  }
}
