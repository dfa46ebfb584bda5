/**
 * Feeds mutated checkpoints to the readers: each has to give a file or a named error, within a second, and without
 * asking for more than 64 MB at once: the sound files have a hundredth of that.
 *
 *   node packages/weights/fuzz/run.mjs [--inputs 20000] [--seed 1]
 */
import { parseArgs } from "node:util";
import * as weights from "../dist/index.js";
import { withAllocationLimit } from "./allocations.mjs";
import { formats } from "./formats.mjs";
import { generator, mutate, REFUSALS } from "./mutations.mjs";

const { values } = parseArgs({
  options: { inputs: { type: "string", default: "20000" }, seed: { type: "string", default: "1" } },
});
const MOST_MS = 1000;
const MOST_BYTES = 64e6;

const objectNames = Object.getOwnPropertyNames(Object.prototype).length;
let failures = 0;
for (const { name, sound, open } of formats(weights)) {
  const random = generator(Number(values.seed));
  const outcomes = new Map();
  let slowest = 0;
  for (let i = 0; i < Number(values.inputs); i++) {
    const bytes = mutate(sound, random);
    const start = performance.now();
    let outcome = "opened";
    try {
      await withAllocationLimit(MOST_BYTES, () => open(bytes));
    } catch (error) {
      outcome = `${error.name}${error.code === undefined ? "" : ` ${error.code}`}`;
      if (!REFUSALS.has(error.name)) {
        failures++;
        console.error(`${name}, input ${i}:`, error);
      }
    }
    const ms = performance.now() - start;
    slowest = Math.max(slowest, ms);
    if (ms > MOST_MS) {
      failures++;
      console.error(`${name}, input ${i}: expected at most ${MOST_MS} ms, got ${ms}`);
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  console.log(`${name}: ${values.inputs} inputs, the slowest took ${slowest.toFixed(0)} ms`);
  for (const [outcome, count] of [...outcomes].sort((a, b) => b[1] - a[1]))
    console.log(`  ${count} ${outcome}`);
}
if (Object.getOwnPropertyNames(Object.prototype).length !== objectNames) failures++;
process.exit(failures === 0 ? 0 : 1);
