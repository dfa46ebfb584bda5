/** 16-bit floats to float32, four at a time. Exact. */

/** 2^112: makes up for the exponents' different biases, 127 and 15; subnormals come out right too. */
const REBIAS: f32 = 5.192296858534828e33;

/** Four finite binary16 numbers in the low halves of `h`. */
// @ts-ignore: decorator
@inline
export function widenHalves(h: v128): v128 {
  const magnitude = i32x4.shl(v128.and(h, i32x4.splat(0x7fff)), 13);
  const sign = i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16);
  return v128.or(f32x4.mul(magnitude, f32x4.splat(REBIAS)), sign);
}

/** A stretch of finite binary16 numbers. @param count - rounded up to a multiple of 8 */
export function widenBlock(count: u32, x: usize, y: usize): void {
  const end = x + (((<usize>count + 7) & ~7) << 1);
  while (x < end) {
    v128.store(y, widenHalves(v128.load_ext<u16>(x)));
    v128.store(y, widenHalves(v128.load_ext<u16>(x, 8)), 16);
    x += 16;
    y += 32;
  }
}

/** As a checkpoint has them: infinities and NaN too. @param count - rounded up to a multiple of 4 */
export function widenFloat16(count: u32, x: usize, y: usize): void {
  const end = x + (((<usize>count + 3) & ~3) << 1);
  while (x < end) {
    const h = v128.load_ext<u16>(x);
    const special = i32x4.eq(v128.and(h, i32x4.splat(0x7c00)), i32x4.splat(0x7c00));
    const exponent = v128.and(special, i32x4.splat(0x7f800000));
    v128.store(y, v128.or(widenHalves(h), exponent));
    x += 8;
    y += 16;
  }
}

/** bfloat16: the upper half of a float32. @param count - rounded up to a multiple of 4 */
export function widenBfloat16(count: u32, x: usize, y: usize): void {
  const end = x + (((<usize>count + 3) & ~3) << 1);
  while (x < end) {
    v128.store(y, i32x4.shl(v128.load_ext<u16>(x), 16));
    x += 8;
    y += 16;
  }
}
