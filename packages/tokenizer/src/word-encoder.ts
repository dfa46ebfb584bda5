// One word → its tokens: UTF-8 bytes, byte ids, merges. Where words begin and end is the business of split.ts.

import type { IdBuffer } from "./id-buffer.js";
import { Merger } from "./merge.js";
import { mergeTable } from "./merge-table.js";
import type { Vocabulary } from "./vocabulary.js";
import { WordCache } from "./word-cache.js";

/** Encodes words of cleaned text, with a bounded cache. */
export class WordEncoder {
  readonly cache: WordCache;
  readonly #byteIds: Int32Array;
  readonly #merger: Merger;
  #symbols = new Int32Array(256); // scratch

  constructor(vocabulary: Vocabulary, cacheWords: number) {
    this.cache = new WordCache(cacheWords);
    this.#byteIds = vocabulary.byteIds;
    this.#merger = new Merger(mergeTable(vocabulary));
  }

  /** Appends the tokens of `text.slice(start, end)`, which is not empty, to `out`. */
  encode(text: string, start: number, end: number, out: IdBuffer): void {
    if (!this.cache.enabled) {
      const n = this.#merge(text, start, end); // first: it may replace #symbols
      out.append(this.#symbols, n);
      return;
    }
    const word = text.slice(start, end);
    let tokens = this.cache.get(word);
    if (tokens === undefined) {
      const n = this.#merge(text, start, end);
      tokens = this.#symbols.slice(0, n);
      this.cache.set(word, tokens);
    }
    out.append(tokens, tokens.length);
  }

  /** Leaves the word's tokens in `#symbols`; returns how many. */
  #merge(text: string, start: number, end: number): number {
    const worst = 3 * (end - start); // a UTF-16 unit makes at most three bytes
    if (this.#symbols.length < worst) this.#symbols = new Int32Array(worst);
    const symbols = this.#symbols;
    const byteIds = this.#byteIds;
    let n = 0;
    let byte = 0; // the last one written
    for (let i = start; i < end; i++) {
      let code = text.charCodeAt(i);
      if (code >= 0x80) {
        if (code >= 0xd800 && code <= 0xdfff) {
          const low = i + 1 < end ? text.charCodeAt(i + 1) : 0;
          if (code <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            i++;
          } else {
            code = 0xfffd; // a lone surrogate has no UTF-8
          }
        }
        if (code < 0x800) {
          symbols[n++] = byteIds[0xc0 | (code >> 6)];
        } else {
          if (code < 0x10000) {
            symbols[n++] = byteIds[0xe0 | (code >> 12)];
          } else {
            symbols[n++] = byteIds[0xf0 | (code >> 18)];
            symbols[n++] = byteIds[0x80 | ((code >> 12) & 63)];
          }
          symbols[n++] = byteIds[0x80 | ((code >> 6) & 63)];
        }
        code = 0x80 | (code & 63);
      }
      byte = code;
      symbols[n++] = byteIds[byte];
    }
    symbols[n - 1] = byteIds[256 + byte];
    return this.#merger.merge(symbols, n);
  }
}
