/**
 * The dense masks that stand for `parents` and `segments`, since ONNX has no attention over packed rows. Additive:
 * 0 where a row is seen and −Infinity elsewhere, so that what is outside has a weight of exactly 0.
 * Every row sees itself, hence no row of a mask is all −Infinity and softmax never divides 0 by 0.
 */
import type { Visibility } from "@textower/graph";

/**
 * Makes the mask of an attention.
 *
 * @param kind - what `rows` holds: see `Visibility`
 * @param rows - `parents` or `segments`, valid as `checkInputs` says; read only. [n]
 * @param queryRows - the key row that each query row stands at; absent: all of them in order. [m]
 * @returns [m, n] row-major, which the caller owns
 */
export function buildMask(
  kind: Visibility["kind"],
  rows: Int32Array,
  queryRows: Int32Array | undefined,
): Float32Array {
  const n = rows.length;
  const m = queryRows?.length ?? n;
  const mask = new Float32Array(m * n).fill(-Infinity); // [m, n]
  const firsts = kind === "segments" ? segmentStarts(rows) : undefined; // [n]
  for (let i = 0; i < m; i++) {
    const row = queryRows === undefined ? i : queryRows[i]!;
    const at = i * n;
    if (firsts === undefined) {
      for (let other = row; other >= 0; other = rows[other]!) mask[at + other] = 0;
    } else {
      const segment = rows[row]!;
      for (let other = firsts[row]!; other < n && rows[other] === segment; other++) mask[at + other] = 0;
    }
  }
  return mask;
}

/** The first row of each row's segment. [n] */
function segmentStarts(segments: Int32Array): Int32Array {
  const starts = new Int32Array(segments.length);
  for (let row = 1; row < segments.length; row++)
    starts[row] = segments[row] === segments[row - 1] ? starts[row - 1]! : row;
  return starts;
}
