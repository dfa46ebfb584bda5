/**
 * Made-up embeddings, the same on every run, a block at a time: a few dozen hidden numbers, mixed into many, and a little noise,
 * for embeddings of pictures do not fill their space either. Length 1.
 */

/** Hidden numbers of a vector. How much an approximate index misses depends on it. */
const HIDDEN = 32;
const NOISE = 0.05;

/** mulberry32, 0 … 1. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A sum of four: near enough to a bell. */
const bell = (next) => next() + next() + next() + next() - 2;

/** @returns function (count) → the next vectors [count, dimension] */
export function vectorMaker(dimension, seed) {
  const shared = random(7);
  const mix = Float32Array.from({ length: HIDDEN * dimension }, () => bell(shared)); // [hidden, dimension]
  const next = random(seed);
  return (count) => {
    const vectors = new Float32Array(count * dimension);
    for (let row = 0; row < count; row++) {
      const vector = vectors.subarray(row * dimension, (row + 1) * dimension);
      for (let hidden = 0; hidden < HIDDEN; hidden++) {
        const weight = bell(next);
        const from = hidden * dimension;
        for (let i = 0; i < dimension; i++) vector[i] += weight * mix[from + i];
      }
      let squares = 0;
      for (let i = 0; i < dimension; i++) {
        vector[i] += NOISE * (next() - 0.5);
        squares += vector[i] * vector[i];
      }
      const scale = 1 / Math.sqrt(squares);
      for (let i = 0; i < dimension; i++) vector[i] *= scale;
    }
    return vectors;
  };
}
