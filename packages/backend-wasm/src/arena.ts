/**
 * `placeBuffers`: offsets in one arena for buffers that live at different times. Buffers that are alive in the same
 * step never overlap; others share bytes.
 */

/** A buffer's size and the steps it is alive in, both ends included. */
export interface Lifetime {
  readonly bytes: number;
  /** The step that writes it; −1 for what is there before the first. */
  readonly first: number;
  /** The last step that reads it; the number of steps for what is read after the last. */
  readonly last: number;
}

/** Where buffers lie. */
export interface Placement {
  /** One per buffer, multiples of `ALIGNMENT`. */
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/** A cache line. */
export const ALIGNMENT = 64;

/** @returns bytes rounded up to whole cache lines */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/**
 * Places the largest buffers first, each at the lowest offset that is free during its whole life ("greedy by size":
 * Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", section 5.2).
 * @param guard - bytes kept free before and after every buffer, for tests
 */
export function placeBuffers(lifetimes: readonly Lifetime[], guard = 0): Placement {
  const gap = aligned(guard);
  const order = lifetimes.map((_, i) => i).sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || a - b);
  const offsets = Array.from({ length: lifetimes.length }, () => 0);
  const placed: number[] = []; // by offset
  let total = 0;
  for (const index of order) {
    const { bytes, first, last } = lifetimes[index]!;
    let offset = gap;
    for (const other of placed) {
      const life = lifetimes[other]!;
      if (life.last < first || last < life.first) continue;
      if (offsets[other]! - gap >= offset + bytes) break;
      offset = Math.max(offset, offsets[other]! + aligned(life.bytes) + gap);
    }
    offsets[index] = offset;
    total = Math.max(total, offset + aligned(bytes) + gap);
    const at = placed.findIndex((other) => offsets[other]! > offset);
    placed.splice(at < 0 ? placed.length : at, 0, index);
  }
  return { offsets, bytes: total };
}
