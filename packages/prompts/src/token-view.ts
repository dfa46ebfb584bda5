/**
 * `tokenView`: a text token by token: what each stands for in the text, which of them make up a word, and what would be cut.
 *
 * Not here: cutting. A view shows all tokens there are.
 */
import { quote } from "./quote.js";
import { alignCharacters } from "./spans.js";
import type { Span } from "./spans.js";

/** What is needed of a tokenizer: that of `@textower/tokenizer` has it, and so has `encoder.tokenizer`. */
export interface ViewTokenizer {
  readonly contextLength: number;
  readonly startOfText: { readonly id: number; readonly content: string };
  readonly endOfText: { readonly id: number; readonly content: string };
  encode(
    text: string,
    options: { readonly contextLength: number },
  ): { readonly ids: Int32Array; readonly endOfText: number };
  decode(ids: readonly number[], options: { readonly skipSpecial: boolean }): string;
  pieces(ids: Iterable<number>): string[];
}

/** One token, and where it comes from. Places are counted in UTF-16 units, as `slice` does. */
export interface ViewedToken extends Span {
  readonly id: number;
  /** As vocabulary files spell it: `a</w>`. */
  readonly piece: string;
  /** Place in `words`; −1 for start and end of text. */
  readonly word: number;
  /** Whether `longText: "truncate"` would cut it off. */
  readonly cut: boolean;
}

/** A stretch of letters, digits or signs that was merged on its own. */
export interface ViewedWord extends Span {
  /** Place of its first token. */
  readonly first: number;
  /** How many tokens it was split into. */
  readonly tokens: number;
}

/** See the file's head. Plain data. */
export interface TokenView {
  readonly text: string;
  /** From start to end of text, however many fit. */
  readonly tokens: readonly ViewedToken[];
  readonly words: readonly ViewedWord[];
  /** Tokens that fit, start and end of text included. */
  readonly contextLength: number;
  /** Tokens that would be cut off; 0 for a text that fits. They are the last before the end of text. */
  readonly cut: number;
  /** Place of the first end of text, where the embedding is taken, if nothing is cut. */
  readonly endOfText: number;
}

/** Of tokens that go on: every other ends its word. */
const END_OF_WORD = "</w>";

/**
 * Looks at a text. Cleaning lower-cases text, repairs it and undoes HTML: where it changed more than case and spaces, all tokens
 * of the changed stretch have that stretch as their span.
 * @param contextLength - tokens that fit; default: the tokenizer's. At least 2.
 * @throws TypeError if `text` is not a string; RangeError for a `contextLength` below 2
 * @example
 * const { tokens, cut } = tokenView(encoder.tokenizer, "A photo of a cat");
 * tokens.map(({ start, end }) => text.slice(start, end)); // "", "A", "photo", "of", "a", "cat", ""
 */
export function tokenView(
  tokenizer: ViewTokenizer,
  text: string,
  { contextLength = tokenizer.contextLength }: { readonly contextLength?: number } = {},
): TokenView {
  if (!(contextLength >= 2)) {
    throw new RangeError(`tokenView: expected a contextLength of 2 or more, got ${contextLength}`);
  }
  const { ids, endOfText } = tokenizer.encode(text, { contextLength: Infinity });
  const pieces = tokenizer.pieces(ids);
  const last = ids.length - 1;
  const groups = groupWords(ids, pieces, tokenizer);
  const characters = groups.flatMap((group) => group.characters);
  const spans = alignCharacters(
    text,
    characters.map(({ character }) => character),
  );

  const starts = Array.from(ids, (_, place) => (place === 0 ? 0 : text.length));
  const ends = Array.from(ids, (_, place) => (place === last ? text.length : 0));
  characters.forEach((character, at) => {
    for (let token = character.first; token <= character.last; token++) {
      starts[token] = Math.min(starts[token]!, spans[at]!.start);
      ends[token] = Math.max(ends[token]!, spans[at]!.end);
    }
  });
  const wordOf = groups.flatMap(({ tokens }, word) => Array.from({ length: tokens }, () => word));
  const cut = Math.max(0, ids.length - contextLength);
  const tokens = Array.from(ids, (id, place): ViewedToken => ({
    id,
    piece: pieces[place]!,
    start: starts[place]!,
    end: ends[place]!,
    word: place === 0 || place === last ? -1 : wordOf[place - 1]!,
    cut: cut > 0 && place >= contextLength - 1 && place < last,
  }));
  const words = groups.map(({ first, tokens: count }): ViewedWord => {
    const own = tokens.slice(first, first + count);
    return { first, tokens: count, start: own[0]!.start, end: own.at(-1)!.end };
  });
  return { text, tokens, words, contextLength, cut, endOfText };
}

/** One word: its tokens, and its characters with the tokens that each one belongs to. */
interface WordGroup {
  readonly first: number;
  readonly tokens: number;
  readonly characters: readonly {
    readonly character: string;
    readonly first: number;
    readonly last: number;
  }[];
}

/** Everything between start and end of text, word by word. */
function groupWords(ids: Int32Array, pieces: readonly string[], tokenizer: ViewTokenizer): WordGroup[] {
  const specials = [tokenizer.startOfText.id, tokenizer.endOfText.id];
  const groups: WordGroup[] = [];
  for (let first = 1; first < ids.length - 1;) {
    let next = first;
    while (next < ids.length - 2 && !specials.includes(ids[next]!) && !pieces[next]!.endsWith(END_OF_WORD)) {
      next++;
    }
    next++;
    const text = tokenizer.decode([...ids.subarray(first, next)], { skipSpecial: false });
    groups.push({
      first,
      tokens: next - first,
      characters: charactersOf(text, pieces.slice(first, next), first),
    });
    first = next;
  }
  return groups;
}

/**
 * Characters of a word, each with its tokens: a symbol of a piece stands for a byte, so that a token may hold a part of a
 * character. Where bytes do not add up, as in literals, every token gets all of them.
 */
function charactersOf(text: string, pieces: readonly string[], first: number): WordGroup["characters"] {
  const tokenOfByte = pieces.flatMap((piece, i) => {
    const symbols = piece.endsWith(END_OF_WORD) ? piece.slice(0, -END_OF_WORD.length) : piece;
    return Array.from(symbols, () => first + i);
  });
  const bytes = Array.from(text, (character) => new TextEncoder().encode(character).length);
  const whole = bytes.reduce((sum, each) => sum + each, 0) !== tokenOfByte.length;
  let at = 0;
  return Array.from(text, (character, i) => {
    const [from, to] = [at, at + bytes[i]! - 1];
    at += bytes[i]!;
    return whole
      ? { character, first, last: first + pieces.length - 1 }
      : { character, first: tokenOfByte[from]!, last: tokenOfByte[to]! };
  });
}

/**
 * The view for a terminal: a line a token with its place, id, piece and text, "…" before what goes on within a word, and a line
 * where the context ends.
 */
export function renderTokenView({ text, tokens, words, contextLength, cut }: TokenView): string {
  const count =
    cut > 0
      ? `${tokens.length} tokens, ${cut} more than the ${contextLength} that fit`
      : `${tokens.length} tokens`;
  const rows = tokens.map(({ id, piece, word, start, end }, place) => {
    const inside = word >= 0 && words[word]!.first !== place ? "…" : "";
    return [
      String(place),
      String(id),
      piece,
      word < 0 ? "" : `${inside}${quote(text.slice(start, end))}`,
    ] as const;
  });
  const [places, ids, pieces] = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column]!.length)),
  ) as [number, number, number];
  const lines = rows.map(([place, id, piece, own]) =>
    `${place.padStart(places)}  ${id.padStart(ids)}  ${piece.padEnd(pieces)}  ${own}`.trimEnd(),
  );
  if (cut > 0) {
    const end = tokens.at(-1)!.piece;
    lines.splice(contextLength - 1, 0, `---- what fits ends here; truncated, ${end} follows`);
  }
  return `${count}\n${lines.map((line) => `${line}\n`).join("")}`;
}
