/** 16-bit floats to float32, four at a time. Exact. */

/** 2^112: makes up for the exponents' different biases, 127 and 15; subnormals come out right too. */
export const REBIAS: f32 = 5.192296858534828e33;

/** Sign and, where float32 has them, exponent and fraction of a binary16 number that is shifted up by 13 bits. */
export const FIELDS: i32 = 0x8fffffff;

/** Four finite binary16 numbers, sign-extended to 32 bits each. */
// @ts-ignore: decorator
@inline
export function widenHalves(h: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(h, 13), i32x4.splat(FIELDS)), f32x4.splat(REBIAS));
}

/**
 * A stretch of finite binary16 numbers.
 * @param count - rounded up to a multiple of 8
 * @param fields, rebias - `FIELDS` and `REBIAS`. As parameters they stay in registers: an engine makes a constant
 *   vector anew in every round of the loop, which was seen to double the time.
 */
export function widenBlock(count: u32, x: usize, y: usize, fields: i32, rebias: f32): void {
  const mask = i32x4.splat(fields);
  const factor = f32x4.splat(rebias);
  const end = x + (((<usize>count + 7) & ~7) << 1);
  while (x < end) {
    v128.store(y, f32x4.mul(v128.and(i32x4.shl(v128.load_ext<i16>(x), 13), mask), factor));
    v128.store(y, f32x4.mul(v128.and(i32x4.shl(v128.load_ext<i16>(x, 8), 13), mask), factor), 16);
    x += 16;
    y += 32;
  }
}

/** As a checkpoint has them: infinities and NaN too. @param count - rounded up to a multiple of 4 */
export function widenFloat16(count: u32, x: usize, y: usize): void {
  const end = x + (((<usize>count + 3) & ~3) << 1);
  while (x < end) {
    const h = v128.load_ext<i16>(x);
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
