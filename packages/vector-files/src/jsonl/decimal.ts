/** float32 values as short decimals. */

/** Powers of ten that are doubles without rounding. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * A double with few decimals that becomes the same float32: 0.1 for `Math.fround(0.1)`, which itself would be written
 * as 0.10000000149011612. Seven to nine significant digits suffice, nine always.
 *
 * @param value - a float32
 */
export function shortDecimal(value: number): number {
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  for (let digits = 7; digits <= 9; digits++) {
    const power = POWERS[digits - 1 - magnitude]; // none for 0, not finite, or far from 1
    // One rounding, in the division, so the quotient is the double nearest to the decimal, which prints as that.
    const candidate =
      power === undefined ? Number(value.toPrecision(digits)) : Math.round(value * power) / power;
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}
