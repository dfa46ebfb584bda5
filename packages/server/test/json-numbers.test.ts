/** Numbers as JSON: every float32 comes back as it was, in few digits. */
import { expect, test } from "vitest";
import { jsonNumbers } from "../src/json-numbers.js";

function readAgain(values: Float32Array): Float32Array {
  return Float32Array.from(JSON.parse(`[${jsonNumbers(values)}]`) as number[]);
}

test("any float32 comes back, whatever its bits", () => {
  let state = 1;
  const bits = Uint32Array.from(
    { length: 200_000 },
    () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0),
  );
  const finite = new Float32Array(bits.buffer).filter((value) => Number.isFinite(value) && value !== 0);
  expect(readAgain(finite)).toEqual(finite);
});

test("components of unit vectors come back, in no more digits than a float32 has", () => {
  const values = Float32Array.from({ length: 200_000 }, (_, i) => Math.sin(i * 1.7) ** 3 / (1 + (i % 97)));
  expect(readAgain(values)).toEqual(values.map((value) => (value === 0 ? 0 : value)));
  for (const text of jsonNumbers(values).split(",")) {
    const digits = text.replace(/e.*$/, "").replace(/^-?(0\.0*)?|\./g, "");
    expect(digits.length, text).toBeLessThanOrEqual(9);
  }
});

test("texts are JSON's", () => {
  const texts: readonly (readonly [number, string])[] = [
    [0, "0"],
    [-0, "0"],
    [1, "1"],
    [-1, "-1"],
    [0.5, "0.5"],
    [0.1, "0.1"],
    [-0.05, "-0.05"],
    [1 / 3, "0.33333334"],
    [2 ** -13, "0.00012207031"],
    [2 ** 24, "16777216"],
    [2 ** -149, "1.4013e-45"], // the smallest
    [-1.5e-10, "-1.5e-10"],
    [3.4028234663852886e38, "3.4028235e+38"], // the largest
    [NaN, "null"],
    [-Infinity, "null"],
  ];
  for (const [value, text] of texts) expect(jsonNumbers(Float32Array.of(value))).toBe(text);
  expect(jsonNumbers(Float32Array.from([0.25, NaN, -0.75]))).toBe("0.25,null,-0.75");
  expect(jsonNumbers(new Float32Array(0))).toBe("");
});
