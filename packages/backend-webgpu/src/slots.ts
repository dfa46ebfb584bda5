/** `SlotPlanner`: a few buffers that values of different times share. No two values that live together share one. */

/** See the file's head. Values are placed in the order in which they are written. */
export class SlotPlanner {
  /** Bytes of each slot. */
  readonly bytes: number[] = [];
  /** The step in which each slot is read for the last time. */
  readonly #busyUntil: number[] = [];

  /**
   * @param step - that writes the value
   * @param last - that reads it last
   * @returns the slot: the free one that fits best, or a new one
   */
  place(bytes: number, step: number, last: number): number {
    let best = -1;
    for (let slot = 0; slot < this.bytes.length; slot++) {
      if (this.#busyUntil[slot]! >= step) continue;
      const better = best < 0 || this.#misfit(slot, bytes) < this.#misfit(best, bytes);
      if (better) best = slot;
    }
    if (best < 0) best = this.bytes.push(0) - 1;
    this.bytes[best] = Math.max(this.bytes[best]!, bytes);
    this.#busyUntil[best] = Math.max(step, last);
    return best;
  }

  #misfit(slot: number, bytes: number): number {
    return Math.abs(this.bytes[slot]! - bytes);
  }
}
