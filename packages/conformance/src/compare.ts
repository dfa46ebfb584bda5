/** How close is close enough: the one table of tolerances, by precision, and the comparison that applies it. */
import type { Precision } from "@textower/graph";

/** Bounds on how far vectors may be from the reference. */
export interface Tolerance {
  /** Largest |difference|, relative to the largest |element| of the expected vector. */
  readonly relative: number;
  /** Cosine of the worst vector. */
  readonly worstCosine: number;
  /** Mean cosine over all vectors of a comparison. */
  readonly meanCosine: number;
}

/** One table for every backend. A backend that needs more says so, with the reason, in its own test. */
export const TOLERANCES: Readonly<Record<Precision, Tolerance>> = {
  float32: { relative: 2e-5, worstCosine: 0.999999, meanCosine: 0.999999 },
  float16: { relative: Infinity, worstCosine: 0.9999, meanCosine: 0.9999 },
  int8: { relative: Infinity, worstCosine: 0.995, meanCosine: 0.999 },
};

/** Bound on the largest |difference| to the golden embeddings in float32. */
export const GOLDEN_TOLERANCE = 5e-5;

/** How far some vectors are from the expected ones. */
export interface Difference {
  readonly maxAbs: number;
  /** Largest |difference| of a vector relative to its largest |element|. */
  readonly relative: number;
  readonly worstCosine: number;
  readonly meanCosine: number;
}

/**
 * Compares vectors row by row.
 * @param actual, expected - [rows, width]
 * @throws Error for different lengths, or an element that is not finite
 */
export function difference(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  width: number,
): Difference {
  if (actual.length !== expected.length) {
    throw new Error(`compare: expected ${expected.length} elements, got ${actual.length}`);
  }
  let [maxAbs, relative, worstCosine, cosines] = [0, 0, 1, 0];
  const rows = actual.length / width;
  for (let row = 0; row < rows; row++) {
    let [dot, squaresA, squaresB, largest, off] = [0, 0, 0, 0, 0];
    for (let i = row * width; i < (row + 1) * width; i++) {
      const [a, b] = [actual[i]!, expected[i]!];
      if (!Number.isFinite(a)) throw new Error(`compare: expected finite elements, got ${a} in row ${row}`);
      dot += a * b;
      squaresA += a * a;
      squaresB += b * b;
      largest = Math.max(largest, Math.abs(b));
      off = Math.max(off, Math.abs(a - b));
    }
    const cosine = squaresA === 0 && squaresB === 0 ? 1 : dot / Math.sqrt(squaresA * squaresB);
    maxAbs = Math.max(maxAbs, off);
    relative = Math.max(relative, off === 0 ? 0 : off / largest);
    worstCosine = Math.min(worstCosine, cosine);
    cosines += cosine;
  }
  return { maxAbs, relative, worstCosine, meanCosine: cosines / rows };
}

/**
 * @param width - elements of a vector
 * @throws Error that says by how much the worst vector is off
 */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  width: number,
  tolerance: Tolerance,
): void {
  const found = difference(actual, expected, width);
  const close =
    found.relative <= tolerance.relative &&
    found.worstCosine >= tolerance.worstCosine &&
    found.meanCosine >= tolerance.meanCosine;
  if (!close) {
    throw new Error(`${what}: expected within ${JSON.stringify(tolerance)}, got ${JSON.stringify(found)}`);
  }
}
