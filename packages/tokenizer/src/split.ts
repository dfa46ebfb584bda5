// Cleaned text → words, by CLIP's pattern (openai/CLIP, clip/simple_tokenizer.py):
//   <|startoftext|> | <|endoftext|> | 's | 't | 're | 've | 'm | 'll | 'd | \p{L}+ | \p{N} | [^\s\p{L}\p{N}]+
// Twice: by hand for ASCII, where nearly all texts are, and by a regular expression for the rest. Both give the same for ASCII.

import { WHITE_SPACE } from "./cleaning/whitespace.js";
import type { SpecialToken } from "./vocabulary.js";

/** Where the parts of a text go, in order. */
export interface Sink {
  /** A word: `text.slice(start, end)`, not empty. */
  word(text: string, start: number, end: number): void;
  /** A special token's literal. */
  special(id: number): void;
}

/** The literals that the pattern itself knows, and whether it ignores case. */
export interface SplitRules {
  /** In order of preference. Empty where literals are found before cleaning, as in tokenizer.json. */
  readonly specials: readonly SpecialToken[];
  /**
   * The quirks of Python's `regex` with IGNORECASE: the long s matches s, and U+0345 matches nothing at all, so that it vanishes.
   */
  readonly ignoreCase: boolean;
}

const SPACE = 0;
const LETTER = 1;
const DIGIT = 2;
const OTHER = 3;

/** [128] Class of each ASCII character. */
const CLASSES = Uint8Array.from({ length: 128 }, (_, code) => {
  if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) return SPACE;
  if ((code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)) return LETTER;
  return code >= 0x30 && code <= 0x39 ? DIGIT : OTHER;
});

const APOSTROPHE = 0x27;

/** Splits one kind of cleaned text into words and special tokens. */
export class Splitter {
  readonly #specials: readonly SpecialToken[];
  readonly #pattern: RegExp;
  readonly #ids = new Map<string, number>();
  /** Whether a literal begins with something else than punctuation. */
  readonly #anySpecialStart: boolean;

  constructor({ specials, ignoreCase }: SplitRules) {
    // Texts arrive in lower case, and the pattern ignores case: so do the literals.
    this.#specials = specials.map(({ content, id }) => ({ content: content.toLowerCase(), id }));
    for (const { content, id } of this.#specials) this.#ids.set(content, id);
    this.#anySpecialStart = this.#specials.some(({ content }) => CLASSES[content.charCodeAt(0)] !== OTHER);
    this.#pattern = buildPattern(
      this.#specials.map(({ content }) => content),
      ignoreCase,
    );
  }

  /** Splits text in lower case. Linear in its length. */
  split(text: string, sink: Sink): void {
    if (isAscii(text)) this.splitAscii(text, sink);
    else this.splitUnicode(text, sink);
  }

  /** For ASCII only. */
  splitAscii(text: string, sink: Sink): void {
    const length = text.length;
    let at = 0;
    while (at < length) {
      const code = text.charCodeAt(at);
      const kind = CLASSES[code];
      if (kind === SPACE) {
        at++;
        continue;
      }
      const special = kind === OTHER || this.#anySpecialStart ? this.#specialAt(text, at) : undefined;
      if (special !== undefined) {
        sink.special(special.id);
        at += special.content.length;
        continue;
      }
      let end = at + 1;
      if (code === APOSTROPHE && (end += contraction(text, end)) > at + 1) {
        // 's and its like
      } else if (kind !== DIGIT) {
        while (end < length && CLASSES[text.charCodeAt(end)] === kind) end++;
      }
      sink.word(text, at, end);
      at = end;
    }
  }

  /** For any text. */
  splitUnicode(text: string, sink: Sink): void {
    for (const match of text.matchAll(this.#pattern)) {
      const id = this.#ids.get(match[0]);
      if (id === undefined) sink.word(text, match.index, match.index + match[0].length);
      else sink.special(id);
    }
  }

  #specialAt(text: string, at: number): SpecialToken | undefined {
    for (const special of this.#specials) if (text.startsWith(special.content, at)) return special;
    return undefined;
  }
}

/** Letters after an apostrophe that make a contraction: s t re ve m ll d. 0 if none. */
function contraction(text: string, at: number): number {
  switch (text[at]) {
    case "s":
    case "t":
    case "m":
    case "d":
      return 1;
    case "r":
    case "v":
      return text[at + 1] === "e" ? 2 : 0;
    case "l":
      return text[at + 1] === "l" ? 2 : 0;
    default:
      return 0;
  }
}

function buildPattern(specials: readonly string[], ignoreCase: boolean): RegExp {
  const s = ignoreCase ? "[s\\u017f]" : "s";
  const vanishing = ignoreCase ? "\\u0345" : "";
  return new RegExp(
    [
      ...specials.map(escapePattern),
      // A literal with a long s matches, but names no token: it stays one word.
      ...(ignoreCase ? specials.map((special) => escapePattern(special).replaceAll("s", "[s\\u017f]")) : []),
      `'${s}|'t|'re|'ve|'m|'ll|'d`,
      "\\p{L}+",
      "\\p{N}",
      `[^${WHITE_SPACE}\\p{L}\\p{N}${vanishing}]+`,
    ].join("|"),
    "gu",
  );
}

/** The text as a pattern that matches just it. */
export function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}
