/**
 * The three forms of GELU on four lanes. What is left out when |x| is large is below float32's resolution of x.
 */
import { madd } from "./arithmetic";
import { exp, ONE } from "./exp";

/** Minus the slope of the sigmoid in QuickGELU: openai/CLIP, `clip/model.py`. */
const MINUS_QUICK_GELU_SLOPE = memory.data<f32>([-1.702]);
const SQRT_HALF = memory.data<f32>([0.70710678118654752]);
/** −2 √(2/π), and that times 0.044715: Hendrycks and Gimpel, "Gaussian Error Linear Units", section 2. */
const MINUS_TANH_LINEAR = memory.data<f32>([-1.59576912160573071]);
const MINUS_TANH_CUBIC = memory.data<f32>([-0.07135481627159626]);

/** The two polynomials of `erfGelu`, and where the second takes over. */
const S0 = memory.data<f32>([-5.96761703e-4]);
const S1 = memory.data<f32>([4.99119423e-3]);
const S2 = memory.data<f32>([-2.67681349e-2]);
const S3 = memory.data<f32>([1.12819925e-1]);
const S4 = memory.data<f32>([-3.76125336e-1]);
const S5 = memory.data<f32>([1.28379166e-1]);
const HALF = memory.data<f32>([0.5]);
const L0 = memory.data<f32>([-1.72853470e-5]);
const L1 = memory.data<f32>([3.83197126e-4]);
const L2 = memory.data<f32>([-3.88396438e-3]);
const L3 = memory.data<f32>([2.42546219e-2]);
const L4 = memory.data<f32>([-1.06777877e-1]);
const L5 = memory.data<f32>([-6.34846687e-1]);
const L6 = memory.data<f32>([-1.28717512e-1]);
const SMALL = memory.data<f32>([0.927734375]);

/** `x · σ(1.702 x) = x / (1 + e^(−1.702 x))` */
// @ts-ignore: decorator
@inline
export function quickGelu(x: v128): v128 {
  return overOnePlusExp(x, f32x4.mul(x, v128.load32_splat(MINUS_QUICK_GELU_SLOPE)));
}

/** `x · ½ (1 + tanh(u)) = x / (1 + e^(−2u))` with `u = √(2/π) (x + 0.044715 x³)` */
// @ts-ignore: decorator
@inline
export function tanhGelu(x: v128): v128 {
  const slope = madd(f32x4.mul(x, x), v128.load32_splat(MINUS_TANH_CUBIC), v128.load32_splat(MINUS_TANH_LINEAR));
  return overOnePlusExp(x, f32x4.mul(x, slope));
}

/** `x / (1 + eᵗ)` */
// @ts-ignore: decorator
@inline
function overOnePlusExp(x: v128, t: v128): v128 {
  return f32x4.div(x, f32x4.add(exp(t), v128.load32_splat(ONE)));
}

/**
 * `x · ½ (1 + erf(x / √2))`.
 *
 * With t = |x| / √2: for small t by the series of erf; otherwise by log erfc(t), so that the tail of a negative x
 * keeps its relative accuracy: x · ½ e^(log erfc t) below zero, x − x · ½ e^(log erfc t) above. Both polynomials are
 * those of Norbert Juffa's erff (below 1 unit in the last place).
 */
// @ts-ignore: decorator
@inline
export function erfGelu(x: v128): v128 {
  const a = f32x4.mul(x, v128.load32_splat(SQRT_HALF));
  const t = f32x4.abs(a);
  const s = f32x4.mul(a, a);

  // t ≤ 0.927734375: erf(a) = a + a · P(s)
  let p = v128.load32_splat(S0);
  p = madd(p, s, v128.load32_splat(S1));
  p = madd(p, s, v128.load32_splat(S2));
  p = madd(p, s, v128.load32_splat(S3));
  p = madd(p, s, v128.load32_splat(S4));
  p = madd(p, s, v128.load32_splat(S5));
  const half = f32x4.mul(x, v128.load32_splat(HALF));
  const small = madd(half, madd(p, a, a), half);

  // beyond: log erfc(t) = −t + t · Q(t)
  let q = madd(v128.load32_splat(L0), t, v128.load32_splat(L1));
  const u = madd(v128.load32_splat(L2), t, v128.load32_splat(L3));
  q = madd(q, s, u);
  q = madd(q, t, v128.load32_splat(L4));
  q = madd(q, t, v128.load32_splat(L5));
  q = madd(q, t, v128.load32_splat(L6));
  q = madd(q, t, f32x4.neg(t));
  const tail = f32x4.mul(half, exp(q)); // x · ½ erfc(t)
  const large = v128.bitselect(tail, f32x4.sub(x, tail), f32x4.lt(x, f32x4.splat(0)));

  return v128.bitselect(large, small, f32x4.gt(t, v128.load32_splat(SMALL)));
}
