/** `TopK`: the k largest of many scores, with their slots: a heap with the least of them on top, not a sort of all. */

/** See the file's head. Of equal scores the lower slot counts as the greater. */
export class TopK {
  readonly #scores: Float32Array;
  readonly #slots: Float64Array; // whole numbers beyond 2^32 fit
  #size = 0;

  /** @param k - at least 1; memory is taken for so many at once */
  constructor(k: number) {
    this.#scores = new Float32Array(k);
    this.#slots = new Float64Array(k);
  }

  /** What a score has to exceed to be taken: −Infinity until there are k. Slots have to come in rising order for that. */
  get threshold(): number {
    return this.#size < this.#scores.length ? -Infinity : this.#scores[0]!;
  }

  /** Takes a score above `threshold`, and drops the least if there are more than k. */
  push(score: number, slot: number): void {
    if (this.#size < this.#scores.length) this.#rise(score, slot);
    else this.#sink(score, slot);
  }

  /** Largest first. */
  sorted(): { readonly score: number; readonly slot: number }[] {
    return Array.from({ length: this.#size }, (_, i) => ({
      score: this.#scores[i]!,
      slot: this.#slots[i]!,
    })).sort((a, b) => b.score - a.score || a.slot - b.slot);
  }

  #rise(score: number, slot: number): void {
    let at = this.#size++;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#less(score, slot, above)) break;
      this.#move(above, at);
      at = above;
    }
    this.#set(at, score, slot);
  }

  #sink(score: number, slot: number): void {
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= this.#size) break;
      const right = below + 1;
      if (right < this.#size && this.#less(this.#scores[right]!, this.#slots[right]!, below)) below = right;
      if (this.#less(score, slot, below)) break;
      this.#move(below, at);
      at = below;
    }
    this.#set(at, score, slot);
  }

  #less(score: number, slot: number, than: number): boolean {
    const other = this.#scores[than]!;
    return score < other || (score === other && slot > this.#slots[than]!);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#scores[from]!, this.#slots[from]!);
  }

  #set(at: number, score: number, slot: number): void {
    this.#scores[at] = score;
    this.#slots[at] = slot;
  }
}
