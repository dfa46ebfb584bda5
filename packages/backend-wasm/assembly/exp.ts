/**
 * eˣ on four lanes, to about 2 units in the last place between −87 and 88; beyond, as if x were −87 or 88.
 * NaN stays NaN.
 *
 * With n = round(x / ln 2) and r = x − n · ln 2: eˣ = 2ⁿ · eʳ, |r| ≤ ½ ln 2. The polynomial for eʳ and the two-part
 * ln 2 are those of Cephes, `single/expf.c` (Stephen Moshier).
 *
 * Constants stand in memory, here and in `gelu.ts`: a load that splats is one instruction, where V8 makes three of a
 * constant in the code, each time round a loop (QuickGELU of four lanes: 6 ns instead of 11).
 */
import { madd } from "./arithmetic";

const LOWEST = memory.data<f32>([-87.0]);
const HIGHEST = memory.data<f32>([88.0]);
const LOG2_E = memory.data<f32>([1.44269504088896341]);
/** −ln 2 in two parts; the first has so few bits that n · ln 2 is exact. */
const MINUS_LN2_HIGH = memory.data<f32>([-0.693359375]);
const MINUS_LN2_LOW = memory.data<f32>([2.12194440e-4]);
/** 1.5 · 2²³: adding it rounds to a whole number, which then stands in the low bits. */
const ROUNDER = memory.data<f32>([12582912.0]);
const P0 = memory.data<f32>([1.9875691500e-4]);
const P1 = memory.data<f32>([1.3981999507e-3]);
const P2 = memory.data<f32>([8.3334519073e-3]);
const P3 = memory.data<f32>([4.1665795894e-2]);
const P4 = memory.data<f32>([1.6666665459e-1]);
const P5 = memory.data<f32>([5.0000001201e-1]);
export const ONE = memory.data<f32>([1.0]);
/** The exponent's bias, in its place. */
const BIAS = memory.data<i32>([0x3f800000]);

// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const bounded = f32x4.pmin(f32x4.pmax(x, v128.load32_splat(LOWEST)), v128.load32_splat(HIGHEST));
  const rounder = v128.load32_splat(ROUNDER);
  const shifted = madd(bounded, v128.load32_splat(LOG2_E), rounder);
  const n = f32x4.sub(shifted, rounder);
  let r = madd(n, v128.load32_splat(MINUS_LN2_HIGH), bounded);
  r = madd(n, v128.load32_splat(MINUS_LN2_LOW), r);

  let p = v128.load32_splat(P0);
  p = madd(p, r, v128.load32_splat(P1));
  p = madd(p, r, v128.load32_splat(P2));
  p = madd(p, r, v128.load32_splat(P3));
  p = madd(p, r, v128.load32_splat(P4));
  p = madd(p, r, v128.load32_splat(P5));
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), v128.load32_splat(ONE));

  // 2ⁿ: n, still in the low bits of `shifted`, moved into the exponent.
  const power = i32x4.add(i32x4.shl(shifted, 23), v128.load32_splat(BIAS));
  return f32x4.mul(p, power);
}
