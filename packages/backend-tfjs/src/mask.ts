/**
 * The dense masks that stand for `parents` and `segments`, since TensorFlow.js has no attention over packed rows. They
 * are added to the scores: 0 where a row is seen, `HIDDEN` elsewhere.
 */
import type { Visibility } from "@textower/graph";

/**
 * Not −Infinity, which shaders need not honour. The result is the same: every row sees
 * itself, so softmax subtracts a maximum that is an ordinary score, and exp of what is left is exactly 0 in float32.
 */
export const HIDDEN = -1e30;

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
  const mask = new Float32Array(m * n).fill(HIDDEN); // [m, n]
  for (let i = 0; i < m; i++) {
    const row = queryRows === undefined ? i : queryRows[i]!;
    const at = i * n;
    if (kind === "ancestors") {
      for (let other = row; other >= 0; other = rows[other]!) mask[at + other] = 0;
    } else {
      // A segment's rows stand together.
      const segment = rows[row]!;
      for (let other = row; other >= 0 && rows[other] === segment; other--) mask[at + other] = 0;
      for (let other = row + 1; other < n && rows[other] === segment; other++) mask[at + other] = 0;
    }
  }
  return mask;
}
