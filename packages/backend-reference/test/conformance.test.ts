/** The reference against itself and against the golden vectors. Full-size towers: `pnpm golden`. */
import { conformanceCases, goldenCases } from "@textower/conformance";
import { expect, test } from "vitest";
import { reference } from "../src/index.js";
import { erf } from "../src/ops.js";

const subject = { backend: reference(), reference: reference() };

for (const { name, run } of [...conformanceCases(), ...goldenCases(["micro", "tiny", "tiny-gelu"])]) {
  test(name, { timeout: 120_000 }, () => run(subject));
}

test("erf agrees with published values", () => {
  // Abramowitz and Stegun, table 7.1, and its limits.
  const table = {
    0: 0,
    0.5: 0.5204998778,
    1: 0.8427007929,
    2: 0.995322265,
    2.999: 0.99997776,
    3.001: 0.999978046,
  };
  for (const [x, value] of Object.entries(table)) {
    expect(erf(Number(x))).toBeCloseTo(value, 7);
    expect(erf(-Number(x))).toBeCloseTo(-value, 7);
  }
  expect([erf(7), erf(-7)]).toEqual([1, -1]);
});
