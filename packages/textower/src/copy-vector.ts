/** From a row of a backend's output to the caller's vector, checked. */
import { NumericalError } from "./errors.js";

/**
 * Copies row `row` of `rows` [rows, width] into `into` [width], scaled to length 1 if asked.
 * @throws NumericalError for a vector that is not finite, or has no length and is to be normalised
 */
export function copyVector(rows: Float32Array, row: number, into: Float32Array, normalize: boolean): void {
  const width = into.length;
  into.set(rows.subarray(row * width, (row + 1) * width));
  let squares = 0;
  for (const value of into) squares += value * value;
  const length = Math.sqrt(squares);
  if (!Number.isFinite(length) || (normalize && length === 0)) {
    throw new NumericalError(
      `encode: expected a finite embedding with a length, got one of length ${length}`,
    );
  }
  if (normalize) for (let i = 0; i < width; i++) into[i]! /= length;
}
