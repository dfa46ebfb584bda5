import { expect, test } from "vitest";
import { shortDecimal } from "../src/jsonl/decimal.js";

test("short decimals are what one would write", () => {
  for (const value of [0, 0.1, -0.25, 1, 1e-7, 3.4e38, 123456.7]) {
    expect(shortDecimal(Math.fround(value))).toBe(value);
  }
});

test("decimals become the same float32 again, over all of its range", () => {
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  for (let i = 0; i < 200_000; i++) {
    bits[0] = Math.imul(i, 0x9e3779b1);
    const [value] = float as unknown as [number];
    if (!Number.isFinite(value)) continue;
    const text = JSON.stringify(shortDecimal(value));
    if (Math.fround(Number(text)) !== value) expect.fail(`${value} became ${text}`);
    const digits = text
      .replace(/e.*$/, "")
      .replaceAll(/[-.]/g, "")
      .replaceAll(/^0+|0+$/g, "");
    if (digits.length > 9) expect.fail(`${value} is written as ${text}`);
  }
});
