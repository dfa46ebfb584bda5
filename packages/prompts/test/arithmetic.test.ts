/** Arithmetic on embeddings: by geometry in few dimensions, and on what a model knows. */
import { wasm } from "@textower/backend-wasm";
import { createTextEncoder, similarity } from "textower";
import { describe, expect, test } from "vitest";
import { lerp, mix, slerp, without } from "../src/index.js";

const close = (vector: ArrayLike<number>, expected: readonly number[]): void => {
  expect(vector).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(vector[i]).toBeCloseTo(value, 6));
};

/** A unit vector of the plane, and two more numbers that say nothing. */
const at = (degrees: number): Float32Array =>
  Float32Array.of(Math.cos((degrees * Math.PI) / 180), 0, Math.sin((degrees * Math.PI) / 180));

describe("mix", () => {
  test("weighs directions, whatever the lengths, and has length 1", () => {
    close(
      mix([
        [[300, 0], 3],
        [Float32Array.of(0, 0.02), 4],
      ]),
      [0.6, 0.8],
    );
    close(mix([[[5, 0, 0], -2]]), [-1, 0, 0]);
    close(
      mix([
        [at(10), 0],
        [at(77), 0.001],
      ]),
      [...at(77)],
    );
  });

  test("changes none of its operands", () => {
    const operand = Float32Array.of(3, 4);
    mix([[operand, -2]]);
    expect([...operand]).toEqual([3, 4]);
  });

  test("finds what the terms have in common with another prompt", async () => {
    await using encoder = await createTextEncoder({ model: "shapes", backend: wasm({ threads: 1 }) });
    const texts = ["a red circle", "a blue circle", "a blue star", "a red star", "a green heart"];
    const { embeddings } = await encoder.encode(texts);
    const [redCircle, blueCircle, blueStar] = embeddings as [Float32Array, Float32Array, Float32Array];
    const sum = mix([
      [redCircle, 1],
      [blueCircle, -1],
      [blueStar, 1],
    ]);
    const [cosines] = similarity([sum], embeddings) as [Float32Array];
    expect(Math.max(...cosines)).toBe(cosines[3]);
  });
});

describe("from one embedding to another", () => {
  test.each([0, 0.25, 0.5, 0.9, 1])("slerp takes equal angles: t = %s", (t) => {
    close(
      slerp(
        at(20),
        at(100).map((value) => 7 * value),
        t,
      ),
      [...at(20 + 80 * t)],
    );
  });

  test("slerp goes on beyond both ends", () => {
    close(slerp(at(0), at(30), 2), [...at(60)]);
    close(slerp(at(0), at(30), -1), [...at(-30)]);
  });

  test("slerp of neighbours has no noise", () => {
    const near = slerp(at(0), at(1e-5), 0.5);
    expect(near[2]! / ((0.5e-5 * Math.PI) / 180)).toBeCloseTo(1, 3);
    close(slerp(at(45), at(45), 0.3), [...at(45)]);
  });

  test("lerp takes the line, scaled to length 1", () => {
    const line = [0.75 + 0.25 * Math.cos(Math.PI / 3), 0, 0.25 * Math.sin(Math.PI / 3)];
    close(
      lerp(at(0), at(60), 0.25),
      line.map((value) => value / Math.hypot(...line)),
    );
    close(lerp(at(0), at(60), 0.5), [...slerp(at(0), at(60), 0.5)]);
  });
});

describe("without", () => {
  test("leaves nothing in common with any of the unwanted", () => {
    const unwanted = [
      [1, 1, 0, 0],
      [1, 0, 1, 0],
      [2, 1, 1, 0],
    ];
    const rest = without([1, 2, 3, 4], unwanted); // the third is the sum of the others
    for (const other of unwanted) {
      expect(rest.reduce((sum, value, i) => sum + value * other[i]!, 0)).toBeCloseTo(0, 6);
    }
    expect(Math.hypot(...rest)).toBeCloseTo(1, 6);
    close(without([3, 4], []), [0.6, 0.8]);
    close(without([1, 1, 0], [[0, 5, 0]]), [1, 0, 0]);
  });
});

describe("refused", () => {
  const refusal = (operation: () => unknown, code: string): void =>
    expect(operation).toThrow(expect.objectContaining({ name: "PromptsError", code }));

  test("are results whose parts cancel out", () => {
    const image = Float32Array.from({ length: 512 }, (_, i) => Math.sin(i));
    refusal(
      () =>
        mix([
          [image, 1],
          [image.map((value) => 3 * value), -1],
        ]),
      "no-direction",
    );
    refusal(() => mix([[image, 0]]), "no-direction");
    refusal(() => lerp(at(0), at(180), 0.5), "no-direction");
    refusal(() => slerp(at(0), at(180), 0.3), "no-direction");
    refusal(() => without(image, [image]), "no-direction");
    refusal(
      () =>
        without(
          [1, 2],
          [
            [1, 0],
            [1, 1],
          ],
        ),
      "no-direction",
    );
  });

  test("are embeddings of different widths, or without direction", () => {
    refusal(
      () =>
        mix([
          [[1, 0], 1],
          [[1, 0, 0], 1],
        ]),
      "width",
    );
    refusal(() => slerp([1, 0], [1], 0.5), "width");
    refusal(() => mix([[[0, 0], 1]]), "bad-vector");
    refusal(() => without([1, 0], [[NaN, 1]]), "bad-vector");
    refusal(() => slerp([Infinity, 0], [0, 1], 0.5), "bad-vector");
  });

  test("are weights that are no numbers, and no terms", () => {
    expect(() => mix([])).toThrow(RangeError);
    expect(() => mix([[[1, 0], NaN]])).toThrow("expected finite weights, got NaN");
    expect(() => slerp([1, 0], [0, 1], Infinity)).toThrow("expected a finite t");
    expect(() => lerp([1, 0], [0, 1], NaN)).toThrow(RangeError);
  });
});
