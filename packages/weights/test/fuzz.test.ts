/** A short run of the fuzzers: `fuzz/run.mjs` is the long one. */
import { expect, it } from "vitest";
import { withAllocationLimit } from "../fuzz/allocations.mjs";
import { formats } from "../fuzz/formats.mjs";
import { generator, mutate, REFUSALS } from "../fuzz/mutations.mjs";
import * as weights from "../src/index.js";

const INPUTS = 500;
const MOST_BYTES = 64e6;

it.each(formats(weights))(
  "damaged copies of $name are opened or refused by name",
  async ({ sound, open }) => {
    await open(sound);
    const random = generator(2026);
    const names = Object.getOwnPropertyNames(Object.prototype);
    const refusals = new Set<string>();
    for (let i = 0; i < INPUTS; i++) {
      const bytes = mutate(sound, random);
      await withAllocationLimit(MOST_BYTES, () => open(bytes)).catch((error: Error) => {
        if (!REFUSALS.has(error.name)) throw error;
        refusals.add(error.name);
      });
    }
    expect(refusals.size).toBeGreaterThan(0);
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(names);
  },
);

it("the limit on allocations is one", async () => {
  await expect(withAllocationLimit(100, async () => new Float32Array(26))).rejects.toThrow(/no allocation/);
  await withAllocationLimit(100, async () => new Float32Array(25));
});
