/** Short captions of coloured shapes, the same on every run; of 100,000 some 3,000 occur twice. */
import { open } from "node:fs/promises";

const SIZES = ["large", "small", "tiny", "medium", "big"];
const COLOURS = ["red", "blue", "green", "yellow", "purple", "orange", "black", "white", "pink", "teal"];
const SHAPES = ["circle", "star", "square", "heart", "crescent", "triangle", "ring", "cross"];
const PLACES = [
  "in the corner",
  "at the top",
  "on the left",
  "in the middle",
  "below",
  "on the right",
  "far away",
];

/** Numbers from 0 to below 1: mulberry32. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Caption after caption, without end. */
export function* captions(seed = 1) {
  const next = random(seed);
  const one = (list) => list[Math.floor(next() * list.length)];
  const thing = () => `a ${one(SIZES)} ${one(COLOURS)} ${one(SHAPES)}`;
  for (;;) {
    const begin = next() < 0.2 ? "a picture of " : "";
    const end =
      next() < 0.7 ? ` and ${thing()} ${one(PLACES)}` : ` ${one(PLACES)} on a ${one(COLOURS)} background`;
    yield `${begin}${thing()}${end}`;
  }
}

/** Writes a file of captions, one a line. */
export async function writeCaptions(path, count) {
  const file = await open(path, "w");
  const source = captions();
  for (let written = 0; written < count;) {
    let lines = "";
    for (const end = Math.min(count, written + 10_000); written < end; written++)
      lines += `${source.next().value}\n`;
    await file.write(lines);
  }
  await file.close();
}
