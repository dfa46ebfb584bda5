// The tokenizer: texts in, ids out. It knows neither models nor tensors; rows for a model are plain Int32Arrays.

import { LiteralFinder } from "./added-tokens.js";
import { CLEANERS, type Cleaner } from "./cleaning/clean.js";
import { Decoder } from "./decode.js";
import { TextTooLongError, TokenizerOptionsError } from "./errors.js";
import { IdBuffer } from "./id-buffer.js";
import { resolveOptions, type Settings, type TokenizerOptions } from "./options.js";
import { Splitter, type Sink } from "./split.js";
import type { Cleaning, SpecialToken } from "./vocabulary.js";
import { WordEncoder } from "./word-encoder.js";

/** The tokens of one text. */
export interface Encoding {
  /** [tokens] From start-of-text to end-of-text, not padded. A copy that the caller owns. */
  readonly ids: Int32Array;
  /**
   * Position of the first end-of-text in `ids`, where CLIP takes the embedding. It is the last position, unless the text itself
   * holds the literal `<|endoftext|>`.
   */
  readonly endOfText: number;
  /** Whether tokens were cut off to fit the context. */
  readonly truncated: boolean;
  /** How many. */
  readonly cut: number;
}

/** Rows of equal length. */
export interface PaddedBatch {
  /** [rows, contextLength], row-major; filled up with `padId`. */
  readonly ids: Int32Array;
  readonly rows: number;
  readonly contextLength: number;
  /** [rows] Position of the first end-of-text in each row. */
  readonly endOfText: Int32Array;
}

/** How `encode` and `encodeBatch` treat texts that are too long. */
export interface EncodeOptions {
  /** Cut at the context length and end with end-of-text, instead of throwing. Default false. */
  readonly truncate?: boolean;
  /** Tokens that fit, instead of the tokenizer's own number; Infinity for all there are. At least 2. */
  readonly contextLength?: number;
}

/** How `decode` treats special tokens. */
export interface DecodeOptions {
  /** Leave out start and end of text. Default true. */
  readonly skipSpecial?: boolean;
}

/** CLIP's tokenizer. Made by `createTokenizer`; holds a word cache and scratch memory, nothing to dispose. */
export interface Tokenizer {
  readonly contextLength: number;
  readonly cleaning: Cleaning;
  readonly padId: number;
  readonly startOfText: SpecialToken;
  readonly endOfText: SpecialToken;
  /** Rows that a token embedding needs: the highest id and one. */
  readonly vocabularySize: number;
  /** Words in the cache now. */
  readonly cachedWords: number;

  /**
   * The tokens of a text.
   *
   * @throws TextTooLongError if they are more than `contextLength` and `truncate` is not set
   * @throws TokenizerOptionsError for a `contextLength` out of range
   * @throws TypeError if `text` is not a string
   * @example
   * tokenizer.encode("a photo of a cat").ids; // 49406 320 1125 539 320 2368 49407
   */
  encode(text: string, options?: EncodeOptions): Encoding;

  /** `encode` for each text; an error's `index` says which. */
  encodeBatch(texts: readonly string[], options?: EncodeOptions): Encoding[];

  /**
   * Encodings as rows of one array, for models that want fixed shapes.
   *
   * @param batch - encodings of this tokenizer, or any with at most `contextLength` ids each
   * @throws RangeError if one is longer
   */
  padded(batch: readonly Pick<Encoding, "ids" | "endOfText">[]): PaddedBatch;

  /** How many tokens a text has, start and end included, however long. */
  count(text: string): number;

  /**
   * Text of ids, words with one space between them.
   *
   * @throws RangeError for an id that is no token
   */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;

  /**
   * The pieces that ids stand for, as vocabulary files spell them: `["<|startoftext|>", "a</w>", …]`. Bytes that do not print are
   * shown as other characters (openai/CLIP's `bytes_to_unicode`).
   *
   * @throws RangeError for an id that is no token
   */
  pieces(ids: Iterable<number>): string[];
}

/**
 * A tokenizer, by default CLIP's own: 49,408 tokens, 77 a text, cleaned as openai/CLIP cleans.
 *
 * @throws TokenizerOptionsError for options out of range or at odds
 * @example
 * const tokenizer = createTokenizer();
 * const { ids, endOfText } = tokenizer.encode("a photo of a cat");
 */
export function createTokenizer(options: TokenizerOptions = {}): Tokenizer {
  return new BytePairTokenizer(resolveOptions(options));
}

/** [128] ASCII that cleaning leaves as it is but for case, if it is no "&": printable characters and common whitespace. */
const CLEAN = Uint8Array.from({ length: 128 }, (_, code) =>
  (code >= 0x20 && code < 0x7f) || code === 0x09 || code === 0x0a || code === 0x0c || code === 0x0d ? 1 : 0,
);

const AMPERSAND = 0x26;

/** Whether all cleaners would only lower the text's case and change whitespace. */
function isClean(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80 || code === AMPERSAND || CLEAN[code] === 0) return false;
  }
  return true;
}

class BytePairTokenizer implements Tokenizer {
  readonly contextLength: number;
  readonly cleaning: Cleaning;
  readonly padId: number;
  readonly startOfText: SpecialToken;
  readonly endOfText: SpecialToken;
  readonly vocabularySize: number;
  readonly #settings: Settings;
  readonly #clean: Cleaner;
  readonly #splitter: Splitter;
  readonly #exact: LiteralFinder | undefined; // literals of the text as it came
  readonly #cleaned: LiteralFinder | undefined; // literals of the cleaned text
  readonly #words: WordEncoder;
  readonly #out = new IdBuffer();
  readonly #sink: Sink;
  #decoder: Decoder | undefined;

  constructor(settings: Settings) {
    const { vocabulary, cleaning, startOfText, endOfText, added } = settings;
    this.#settings = settings;
    this.contextLength = settings.contextLength;
    this.cleaning = cleaning;
    this.padId = settings.padId;
    this.startOfText = startOfText;
    this.endOfText = endOfText;
    this.vocabularySize = Math.max(
      vocabulary.size,
      ...[startOfText, endOfText, ...added].map(({ id }) => id + 1),
    );
    this.#clean = CLEANERS[cleaning];

    // OpenAI's literals are part of the pattern that splits. tokenizer.json has them as added tokens: found anywhere, the start
    // in the cleaned text ("normalized": true), the end in the text as it came ("normalized": false).
    const huggingface = cleaning === "huggingface";
    this.#splitter = new Splitter({
      specials: huggingface ? [] : [startOfText, endOfText],
      ignoreCase: !huggingface,
    });
    const literals = huggingface
      ? [
          ...added,
          { ...startOfText, singleWord: false, normalized: true },
          { ...endOfText, singleWord: false, normalized: false },
        ]
      : added;
    const exact = literals.filter(({ normalized }) => !normalized);
    const cleaned = literals
      .filter(({ normalized }) => normalized)
      .map((literal) => ({ ...literal, content: this.#clean(literal.content) }));
    this.#exact = exact.length > 0 ? new LiteralFinder(exact) : undefined;
    this.#cleaned = cleaned.length > 0 ? new LiteralFinder(cleaned) : undefined;

    const words = new WordEncoder(vocabulary, settings.cacheWords);
    const out = this.#out;
    this.#words = words;
    this.#sink = {
      word: (text, start, end) => words.encode(text, start, end, out),
      special: (id) => out.push(id),
    };
  }

  get cachedWords(): number {
    return this.#words.cache.size;
  }

  encode(text: string, options?: EncodeOptions): Encoding {
    return this.#encode(text, 0, options?.truncate ?? false, this.#fitting(options));
  }

  encodeBatch(texts: readonly string[], options?: EncodeOptions): Encoding[] {
    if (!Array.isArray(texts))
      throw new TypeError(`encodeBatch: expected an array of strings, got ${typeof texts}`);
    const truncate = options?.truncate ?? false;
    const fitting = this.#fitting(options);
    return Array.from(texts, (text: string, index) => this.#encode(text, index, truncate, fitting));
  }

  padded(batch: readonly Pick<Encoding, "ids" | "endOfText">[]): PaddedBatch {
    const { contextLength } = this;
    const ids = new Int32Array(batch.length * contextLength).fill(this.padId); // [rows, contextLength]
    const endOfText = new Int32Array(batch.length); // [rows]
    for (const [row, encoding] of batch.entries()) {
      if (encoding.ids.length > contextLength) {
        throw new RangeError(
          `padded: expected at most ${contextLength} ids in row ${row}, got ${encoding.ids.length}`,
        );
      }
      ids.set(encoding.ids, row * contextLength);
      endOfText[row] = encoding.endOfText;
    }
    return { ids, rows: batch.length, contextLength, endOfText };
  }

  count(text: string): number {
    this.#tokenize(text, 0);
    return this.#out.length;
  }

  decode(ids: Iterable<number>, options?: DecodeOptions): string {
    const skipped = (options?.skipSpecial ?? true) ? [this.startOfText.id, this.endOfText.id] : [];
    return this.#decoding().decode(ids, new Set(skipped));
  }

  pieces(ids: Iterable<number>): string[] {
    return this.#decoding().pieces(ids);
  }

  #decoding(): Decoder {
    const { vocabulary, added } = this.#settings;
    this.#decoder ??= new Decoder(vocabulary, [this.startOfText, this.endOfText, ...added]);
    return this.#decoder;
  }

  /** @returns how many tokens may stand in a sequence */
  #fitting({ contextLength = this.contextLength }: EncodeOptions = {}): number {
    if (contextLength >= 2 && (Number.isInteger(contextLength) || contextLength === Infinity)) {
      return contextLength;
    }
    throw new TokenizerOptionsError(
      `encode: expected a contextLength of 2 or more, or Infinity, got ${contextLength}`,
    );
  }

  #encode(text: string, index: number, truncate: boolean, contextLength: number): Encoding {
    this.#tokenize(text, index);
    const length = this.#out.length;
    const cut = Math.max(0, length - contextLength);
    if (cut > 0 && !truncate) throw new TextTooLongError(text, length, contextLength, index);
    const ids = this.#out.take(length - cut);
    if (cut > 0) ids[ids.length - 1] = this.endOfText.id;
    return { ids, endOfText: ids.indexOf(this.endOfText.id), truncated: cut > 0, cut };
  }

  /** Leaves all the text's tokens in `#out`. */
  #tokenize(text: string, index: number): void {
    if (typeof text !== "string") {
      throw new TypeError(
        `encode: expected a string for text ${index}, got ${text === null ? "null" : typeof text}`,
      );
    }
    const out = this.#out;
    out.length = 0;
    out.push(this.startOfText.id);
    if (this.#exact === undefined) {
      this.#tokenizePart(text);
    } else {
      for (const part of this.#exact.parts(text)) {
        if (typeof part === "number") out.push(part);
        else this.#tokenizePart(part);
      }
    }
    out.push(this.endOfText.id);
  }

  #tokenizePart(text: string): void {
    const clean = isClean(text);
    const cleaned = clean ? text.toLowerCase() : this.#clean(text);
    if (this.#cleaned === undefined) {
      this.#split(cleaned, clean);
      return;
    }
    for (const part of this.#cleaned.parts(cleaned)) {
      if (typeof part === "number") this.#out.push(part);
      else this.#split(part, clean);
    }
  }

  #split(text: string, ascii: boolean): void {
    if (ascii) this.#splitter.splitAscii(text, this.#sink);
    else this.#splitter.split(text, this.#sink);
  }
}
