import { describe, expect, test } from "vitest";
import { buildMask } from "../src/mask.js";

/** A mask as rows of text: `x` where a row is seen. */
function picture(mask: Float32Array, columns: number): string[] {
  const cells = Array.from(mask, (value) => (value === 0 ? "x" : value === -Infinity ? "." : "?"));
  return Array.from({ length: mask.length / columns }, (_, row) =>
    cells.slice(row * columns, (row + 1) * columns).join(""),
  );
}

// Two prompts that share their first row, and one by itself.
const parents = Int32Array.of(-1, 0, 1, 0, -1, 4);

describe("buildMask", () => {
  test("ancestors", () => {
    const mask = buildMask("ancestors", parents, undefined);
    expect(picture(mask, 6)).toEqual(["x.....", "xx....", "xxx...", "x..x..", "....x.", "....xx"]);
  });

  test("ancestors of some rows, in any order", () => {
    const mask = buildMask("ancestors", parents, Int32Array.of(3, 5, 3));
    expect(picture(mask, 6)).toEqual(["x..x..", "....xx", "x..x.."]);
  });

  test("segments, all rows and some", () => {
    const segments = Int32Array.of(0, 0, 3, 4, 4, 4);
    const mask = buildMask("segments", segments, undefined);
    expect(picture(mask, 6)).toEqual(["xx....", "xx....", "..x...", "...xxx", "...xxx", "...xxx"]);
    expect(picture(buildMask("segments", segments, Int32Array.of(5, 0)), 6)).toEqual(["...xxx", "xx...."]);
  });

  test("every row sees itself, so no softmax is over nothing", () => {
    const rows = 60;
    const chains = Int32Array.from({ length: rows }, (_, row) => (row % 7 === 0 ? -1 : row - 1 - (row % 2)));
    for (const mask of [
      buildMask("ancestors", chains, undefined),
      buildMask(
        "segments",
        Int32Array.from({ length: rows }, (_, row) => row >> 2),
        undefined,
      ),
    ]) {
      for (let row = 0; row < rows; row++) expect(mask[row * rows + row]).toBe(0);
    }
  });

  test("leaves its inputs as they are", () => {
    const before = parents.slice();
    buildMask("ancestors", parents, undefined);
    expect(parents).toEqual(before);
  });
});
