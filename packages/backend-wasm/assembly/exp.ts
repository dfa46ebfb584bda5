/**
 * eˣ on four lanes, to about 2 units in the last place between −87 and 88; beyond, as if x were −87 or 88.
 * NaN stays NaN.
 *
 * With n = round(x / ln 2) and r = x − n · ln 2: eˣ = 2ⁿ · eʳ, |r| ≤ ½ ln 2. The polynomial for eʳ and the two-part
 * ln 2 are those of Cephes, `single/expf.c` (Stephen Moshier).
 */
import { madd } from "./arithmetic";

const LOG2_E: f32 = 1.44269504088896341;
/** ln 2 in two parts; the first has so few bits that n · LN2_HIGH is exact. */
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;
/** 1.5 · 2²³: adding it rounds to a whole number, which then stands in the low bits. */
const ROUNDER: f32 = 12582912.0;

// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const bounded = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87.0)), f32x4.splat(88.0));
  const shifted = madd(bounded, f32x4.splat(LOG2_E), f32x4.splat(ROUNDER));
  const n = f32x4.sub(shifted, f32x4.splat(ROUNDER));
  let r = madd(n, f32x4.splat(-LN2_HIGH), bounded);
  r = madd(n, f32x4.splat(-LN2_LOW), r);

  let p = f32x4.splat(1.9875691500e-4);
  p = madd(p, r, f32x4.splat(1.3981999507e-3));
  p = madd(p, r, f32x4.splat(8.3334519073e-3));
  p = madd(p, r, f32x4.splat(4.1665795894e-2));
  p = madd(p, r, f32x4.splat(1.6666665459e-1));
  p = madd(p, r, f32x4.splat(5.0000001201e-1));
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), f32x4.splat(1));

  // 2ⁿ: n, still in the low bits of `shifted`, moved into the exponent.
  const power = i32x4.add(i32x4.shl(shifted, 23), i32x4.splat(127 << 23));
  return f32x4.mul(p, power);
}
