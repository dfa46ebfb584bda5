import { expect, test } from "vitest";
import {
  elementCount,
  float16ToNumber,
  numberToFloat16,
  tensor,
  TensorError,
  toFloat32,
} from "../src/index.js";

test("every float16 survives the way to a number and back", () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = float16ToNumber(bits);
    if (Number.isNaN(value)) expect(numberToFloat16(value) & 0x7c00).toBe(0x7c00);
    else if (numberToFloat16(value) !== bits)
      expect.fail(`${bits.toString(16)} became ${numberToFloat16(value).toString(16)}`);
  }
});

test("numbers between two float16 go to the nearest, ties to even", () => {
  // IEEE 754-2019, 4.3.1; the neighbours of 1 are 1 and 1 + 2^-10.
  expect(numberToFloat16(1 + 2 ** -11)).toBe(0x3c00);
  expect(numberToFloat16(1 + 3 * 2 ** -11)).toBe(0x3c02);
  expect(numberToFloat16(1 + 2 ** -11 + 2 ** -20)).toBe(0x3c01);
  expect(numberToFloat16(65519.99)).toBe(0x7bff);
  expect(numberToFloat16(65520)).toBe(0x7c00);
  expect(numberToFloat16(-(2 ** -25))).toBe(0x8000);
  expect(numberToFloat16(3 * 2 ** -25)).toBe(0x0002);
  expect(float16ToNumber(0x3555)).toBeCloseTo(1 / 3, 3);
});

test("storage types widen exactly", () => {
  expect([...toFloat32(tensor("float16", [2], Uint16Array.of(0x3c00, 0xc000)))]).toEqual([1, -2]);
  expect([...toFloat32(tensor("bfloat16", [2], Uint16Array.of(0x3f80, 0xc040)))]).toEqual([1, -3]);
  const int8 = { ...tensor("int8", [2, 2], Int8Array.of(1, -2, 3, 127)), scales: Float32Array.of(0.5, 2) };
  expect([...toFloat32(int8)]).toEqual([0.5, -1, 6, 254]);
  expect(() => toFloat32(tensor("int32", [1], new Int32Array(1)))).toThrow(TensorError);
});

test("refuses data that contradicts dtype or shape", () => {
  expect(() => tensor("float32", [2, 2], new Float32Array(3))).toThrow(
    "tensor: expected 4 elements for shape [2, 2], got 3",
  );
  expect(() => tensor("int8", [1], new Float32Array(1) as never)).toThrow(
    "expected Int8Array for int8, got Float32Array",
  );
  expect(() => elementCount([2, -1])).toThrow(TensorError);
  expect(() => elementCount([2 ** 30, 2 ** 30])).toThrow("2^53 - 1");
});
