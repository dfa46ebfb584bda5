/** The matrix: numbers by geometry, and as text. */
import { expect, test } from "vitest";
import { renderSimilarityMatrix, similarityMatrix } from "../src/index.js";

const vectors = [
  [1, 0],
  [0, 2],
  [3, 3],
  [-1, 0.5],
];
const labels = ["a", "b", "both", "back\u001b[2J\u202e"];

test("is symmetric, with ones on the diagonal and the range off it", () => {
  const { values, range, labels: own } = similarityMatrix(vectors, labels);
  expect(own).toEqual(labels);
  vectors.forEach((a, i) =>
    vectors.forEach((b, j) => {
      const cosine = (a[0]! * b[0]! + a[1]! * b[1]!) / (Math.hypot(...a) * Math.hypot(...b));
      expect(values[i * 4 + j]).toBeCloseTo(cosine, 6);
      expect(values[i * 4 + j]).toBe(values[j * 4 + i]);
    }),
  );
  for (let i = 0; i < 4; i++) expect(values[i * 5]).toBe(1);
  expect(range[0]).toBeCloseTo(-2 / Math.sqrt(5), 6);
  expect(range[1]).toBeCloseTo(Math.SQRT1_2, 6);
});

test("of one prompt, of none, and of what cannot be compared", () => {
  expect(similarityMatrix([[2, 1]], ["a"])).toMatchObject({ values: Float32Array.of(1), range: [1, 1] });
  expect(similarityMatrix([], []).values).toHaveLength(0);
  expect(() => similarityMatrix(vectors, ["a"])).toThrow("expected 4 labels, got 1");
  expect(() => similarityMatrix([[1, 2], [1]], ["a", "b"])).toThrow(RangeError);
  expect(() => similarityMatrix([[0, 0]], ["a"])).toThrow(RangeError);
});

test("as text: a row a label, harmless for a terminal", () => {
  const lines = renderSimilarityMatrix(similarityMatrix(vectors, labels)).split("\n");
  expect(lines).toEqual([
    "        1       2       3       4",
    '1  1.000█  0.000▒  0.707█ -0.894   "a"',
    '2  0.000▒  1.000█  0.707█  0.447█  "b"',
    '3  0.707█  0.707█  1.000█ -0.316░  "both"',
    String.raw`4 -0.894   0.447█ -0.316░  1.000█  "back\u001b[2J\u202e"`,
    "",
  ]);
});
