// Two ways to split and two ways to merge, each against a plain third: the pattern itself, and rounds over pairs.

import { describe, expect, test } from "vitest";

import { clipVocabulary } from "../src/index.js";
import { Merger } from "../src/merge.js";
import { MergeTable, NO_MERGE } from "../src/merge-table.js";
import { Splitter } from "../src/split.js";

/** A small generator of repeatable numbers: xorshift32. */
function randomIntegers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

test("splitting ASCII by hand equals the regular expression", () => {
  const { startOfText, endOfText } = clipVocabulary();
  const splitter = new Splitter({ specials: [startOfText, endOfText], ignoreCase: true });
  const parts = (method: "splitAscii" | "splitUnicode", text: string): (string | number)[] => {
    const found: (string | number)[] = [];
    splitter[method](text, {
      word: (text, start, end) => found.push(text.slice(start, end)),
      special: (id) => found.push(id),
    });
    return found;
  };
  const random = randomIntegers(1);
  const fragments = [
    "'",
    "s",
    "'re",
    "'ll",
    "l",
    "'v",
    "<|",
    "<|endoftext|>",
    "<|startoftext|>",
    "|>",
    " ",
    "1",
    "!",
  ];
  for (let i = 0; i < 20_000; i++) {
    let text = "";
    for (let n = random(8); n >= 0; n--) {
      text +=
        random(2) === 0
          ? fragments[random(fragments.length)]
          : String.fromCharCode(random(128)).toLowerCase();
    }
    expect(parts("splitAscii", text)).toEqual(parts("splitUnicode", text));
  }
});

/** The definition: the pair of the lowest rank, everywhere from left to right, until none is left. */
function mergeByRounds(table: MergeTable, ids: readonly number[]): number[] {
  let word = [...ids];
  for (;;) {
    const ranks = word.slice(1).map((id, i) => table.rank(word[i], id));
    const best = Math.min(NO_MERGE, ...ranks);
    if (best === NO_MERGE) return word;
    const merged: number[] = [];
    for (let i = 0; i < word.length; i++) {
      merged.push(ranks[i] === best ? table.result[best] : word[i]);
      if (ranks[i] === best) i++;
    }
    word = merged;
  }
}

describe("merging equals the definition", () => {
  const check = (table: MergeTable, symbols: number, seed: number): void => {
    const random = randomIntegers(seed);
    const merger = new Merger(table);
    for (let i = 0; i < 3000; i++) {
      const length = 1 + (i % 5 === 0 ? 65 + random(60) : random(20)); // heap and scan
      const ids = Array.from({ length }, () => random(symbols));
      const scratch = Int32Array.from(ids);
      const n = merger.merge(scratch, length);
      expect(Array.from(scratch.subarray(0, n))).toEqual(mergeByRounds(table, ids));
    }
  };

  test("for CLIP's merges of letters", () => {
    const vocabulary = clipVocabulary();
    check(
      new MergeTable({
        ...vocabulary,
        left: vocabulary.left.map((id) => id - 64),
        right: vocabulary.right.map((id) => id - 64),
        result: vocabulary.result.map((id) => id - 64),
      }),
      26,
      2,
    );
  });

  test("for merges whose ranks are out of order, where a new pair may rank below its own round", () => {
    const random = randomIntegers(3);
    for (let seed = 10; seed < 14; seed++) {
      const pairs = Array.from({ length: 60 }, (_, i) => ({
        left: random(3 + i),
        right: random(3 + i),
        result: 3 + i,
      }));
      pairs.sort((a, b) => ((a.result * 37) % 61) - ((b.result * 37) % 61));
      check(
        new MergeTable({
          left: Int32Array.from(pairs, ({ left }) => left),
          right: Int32Array.from(pairs, ({ right }) => right),
          result: Int32Array.from(pairs, ({ result }) => result),
        }),
        3,
        seed,
      );
    }
  });
});
