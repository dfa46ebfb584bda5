/**
 * Mutations of sound files: bytes changed, bits flipped, lengths made large, blocks copied, ends cut off. The same seed
 * gives the same files.
 */

/** Errors that a file may be refused with. */
export const REFUSALS = new Set([
  "PytorchError",
  "SafetensorsError",
  "CheckpointError",
  "TensorFileError",
  "ByteSourceError",
]);

/** A linear congruential generator (Numerical Recipes, "quick and dirty"). @returns whole numbers below its argument */
export function generator(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Values that lengths, counts and offsets go wrong at. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** One mutation of `sound`, which stays as it is. */
export function mutate(sound, random) {
  const bytes = sound.slice(0, random(20) === 0 ? random(sound.length) : sound.length);
  // Headers and pickles lie at the front, a zip's directory at the back: most mutations go there.
  const place = () => {
    const from = [
      random(Math.min(40_000, bytes.length)),
      bytes.length - 1 - random(8000),
      random(bytes.length),
    ];
    return Math.max(0, Math.min(bytes.length - 1, from[random(3)]));
  };
  const edits = [
    (at) => (bytes[at] = random(256)),
    (at) => (bytes[at] ^= 1 << random(8)),
    (at) =>
      bytes.set(
        new Uint8Array(Uint32Array.of(EDGES[random(EDGES.length)]).buffer).slice(0, bytes.length - at),
        at,
      ),
    (at) => bytes.copyWithin(at, place(), place()),
  ];
  for (let left = 1 + random(6); left > 0 && bytes.length > 0; left--) edits[random(edits.length)](place());
  return bytes;
}
