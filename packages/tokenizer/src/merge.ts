// Byte-pair merging of one word over ids. Both ways give what OpenAI's rounds give: the pair of the lowest rank is merged
// wherever it occurs, from left to right, then the next round begins.

import { NO_MERGE, type MergeTable } from "./merge-table.js";

/** Up to this many symbols plain scanning is faster than a heap (measured: they meet near 100). */
const SHORT_WORD = 64;

/** Merges words in place; holds scratch memory that grows with the longest word. */
export class Merger {
  readonly #table: MergeTable;
  readonly #shortRanks = new Int32Array(SHORT_WORD);

  constructor(table: MergeTable) {
    this.#table = table;
  }

  /**
   * @param ids - the symbols of one word in its first `n` elements; overwritten with the tokens
   * @returns how many tokens there are
   */
  merge(ids: Int32Array, n: number): number {
    return n <= SHORT_WORD ? this.#mergeShort(ids, n) : mergeLong(this.#table, ids, n);
  }

  /** A scan for the lowest rank per round: O(n²), for short words only. */
  #mergeShort(ids: Int32Array, n: number): number {
    const table = this.#table;
    const ranks = this.#shortRanks; // [n] of the pair that begins here
    for (let i = 0; i + 1 < n; i++) ranks[i] = table.rank(ids[i], ids[i + 1]);
    while (n > 1) {
      let best = NO_MERGE;
      let first = 0;
      for (let i = 0; i < n - 1; i++) {
        if (ranks[i] < best) {
          best = ranks[i];
          first = i;
        }
      }
      if (best === NO_MERGE) break;
      // A pair made in this round holds the merged id, so it cannot have the rank `best` again.
      for (let at = first; at < n - 1; at++) {
        if (ranks[at] !== best) continue;
        ids[at] = table.result[best];
        n--;
        for (let i = at + 1; i < n; i++) {
          ids[i] = ids[i + 1];
          ranks[i] = ranks[i + 1];
        }
        if (at > 0) ranks[at - 1] = table.rank(ids[at - 1], ids[at]);
        if (at < n - 1) ranks[at] = table.rank(ids[at], ids[at + 1]);
      }
    }
    return n;
  }
}

/** A linked list of symbols and a heap of candidate pairs: O(n log n). */
function mergeLong(table: MergeTable, ids: Int32Array, n: number): number {
  const next = new Int32Array(n); // [n] position of the next symbol, n at the end
  const previous = new Int32Array(n); // [n] position of the symbol before, −1 at the start
  const ranks = new Int32Array(n).fill(NO_MERGE); // [n] of the pair that begins here
  const heap = new PairHeap(3 * n);
  for (let i = 0; i < n; i++) {
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  const rankAt = (at: number): number => (next[at] < n ? table.rank(ids[at], ids[next[at]]) : NO_MERGE);
  const candidate = (at: number): void => {
    ranks[at] = rankAt(at);
    if (ranks[at] !== NO_MERGE) heap.push(ranks[at], at);
  };
  for (let i = 0; i < n; i++) candidate(i);

  const touched: number[] = []; // positions whose pair changed in this round
  while (heap.size > 0) {
    const rank = heap.topRank();
    while (heap.size > 0 && heap.topRank() === rank) {
      const at = heap.pop();
      if (ranks[at] !== rank) continue; // stale: merged or changed since
      const gone = next[at];
      ids[at] = table.result[rank];
      ranks[at] = NO_MERGE;
      ranks[gone] = NO_MERGE;
      next[at] = next[gone];
      if (next[at] < n) previous[next[at]] = at;
      touched.push(at);
      if (previous[at] >= 0) {
        ranks[previous[at]] = NO_MERGE;
        touched.push(previous[at]);
      }
    }
    // New pairs wait for the end of the round, so that none overtakes it.
    for (const at of touched) if (ranks[at] === NO_MERGE) candidate(at);
    touched.length = 0;
  }

  let count = 0;
  for (let at = 0; at < n; at = next[at]) ids[count++] = ids[at];
  return count;
}

/** A binary min-heap of (rank, position), both in one float64: rank · 2³² + position. Ranks stay below 2²¹. */
class PairHeap {
  #keys: Float64Array;
  size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity);
  }

  topRank(): number {
    return Math.floor(this.#keys[0] / 2 ** 32);
  }

  push(rank: number, position: number): void {
    if (this.size === this.#keys.length) {
      const grown = new Float64Array(this.size * 2);
      grown.set(this.#keys);
      this.#keys = grown;
    }
    const keys = this.#keys;
    const key = rank * 2 ** 32 + position;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent] <= key) break;
      keys[at] = keys[parent];
      at = parent;
    }
    keys[at] = key;
  }

  /** Takes the lowest rank's leftmost position. */
  pop(): number {
    const keys = this.#keys;
    const top = keys[0];
    const last = keys[--this.size];
    const size = this.size;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && keys[child + 1] < keys[child]) child++;
      if (keys[child] >= last) break;
      keys[at] = keys[child];
      at = child;
    }
    keys[at] = last;
    return top % 2 ** 32;
  }
}
