// Pair of ids → rank: open addressing in Int32Arrays, so that a look-up makes no string and no object.

import type { Vocabulary } from "./vocabulary.js";

/** Rank of a pair that does not merge: above every real rank. */
export const NO_MERGE = 0x7fffffff;

/** Stride of an entry: left id, right id, rank + 1 (0 in a free entry), unused. */
const ENTRY = 4;

/** The merges of one vocabulary, ready for look-up. */
export class MergeTable {
  readonly #entries: Int32Array;
  readonly #mask: number;
  /** [M] Merged id by rank. */
  readonly result: Int32Array;

  constructor({ left, right, result }: Pick<Vocabulary, "left" | "right" | "result">) {
    let slots = 16;
    while (slots < result.length * 2) slots *= 2; // at most half full
    const mask = slots - 1;
    const entries = new Int32Array(slots * ENTRY);
    for (let rank = 0; rank < result.length; rank++) {
      const a = left[rank];
      const b = right[rank];
      let slot = hash(a, b) & mask;
      while (
        entries[slot * ENTRY + 2] !== 0 &&
        !(entries[slot * ENTRY] === a && entries[slot * ENTRY + 1] === b)
      ) {
        slot = (slot + 1) & mask;
      }
      entries[slot * ENTRY] = a;
      entries[slot * ENTRY + 1] = b;
      entries[slot * ENTRY + 2] = rank + 1; // a repeated merge takes its later rank, as in a Python dict
    }
    this.#mask = mask;
    this.#entries = entries;
    this.result = result;
  }

  /** Rank of the merge of two ids, or NO_MERGE. */
  rank(left: number, right: number): number {
    const entries = this.#entries;
    const mask = this.#mask;
    let slot = hash(left, right) & mask;
    for (;;) {
      const at = slot * ENTRY;
      const rank = entries[at + 2];
      if (rank === 0) return NO_MERGE;
      if (entries[at] === left && entries[at + 1] === right) return rank - 1;
      slot = (slot + 1) & mask;
    }
  }
}

/** Two odd constants of golden-ratio and murmur kind, then the high bits folded in. */
function hash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

const tables = new WeakMap<Vocabulary, MergeTable>();

/** The table of a vocabulary, built once however many tokenizers share it. */
export function mergeTable(vocabulary: Vocabulary): MergeTable {
  let table = tables.get(vocabulary);
  if (table === undefined) {
    table = new MergeTable(vocabulary);
    tables.set(vocabulary, table);
  }
  return table;
}
