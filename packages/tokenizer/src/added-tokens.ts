// Finding added tokens in a text: literals with ids of their own, which cut the text around them.

import { escapePattern } from "./split.js";
import type { SpecialToken } from "./vocabulary.js";

/** A literal to look for. */
export interface Literal extends SpecialToken {
  readonly singleWord: boolean;
}

/** A stretch of text, or the id of a literal that stood there. */
export type Part = string | number;

/** Cuts texts at literals: leftmost first, the longest where several begin. */
export class LiteralFinder {
  readonly #pattern: RegExp;
  readonly #ids: ReadonlyMap<string, number>;

  /** @param literals - at least one, contents distinct */
  constructor(literals: readonly Literal[]) {
    this.#ids = new Map(literals.map(({ content, id }) => [content, id]));
    const longestFirst = [...literals].sort((a, b) => b.content.length - a.content.length);
    this.#pattern = new RegExp(
      longestFirst
        .map(({ content, singleWord }) =>
          singleWord
            ? `(?<![\\p{L}\\p{N}_])${escapePattern(content)}(?![\\p{L}\\p{N}_])`
            : escapePattern(content),
        )
        .join("|"),
      "gu",
    );
  }

  /** The text's parts in order; empty stretches are left out. */
  parts(text: string): Part[] {
    const parts: Part[] = [];
    let at = 0;
    for (const match of text.matchAll(this.#pattern)) {
      if (match.index > at) parts.push(text.slice(at, match.index));
      parts.push(this.#ids.get(match[0]) as number);
      at = match.index + match[0].length;
    }
    if (at < text.length) parts.push(at === 0 ? text : text.slice(at));
    return parts;
  }
}
