/**
 * The inner loops of the int8 matrix product: `c = scale_row · scale_column · Σ q_a q_w + bias`, with whole sums in
 * 32-bit integers: exact, in any order. Weights are widened to 16 bits as they are loaded.
 */

// @ts-ignore: decorator
@inline
function accumulate(sum: v128, x: v128, w: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, w));
}

// @ts-ignore: decorator
@inline
function finish(low: v128, high: v128, a: usize, scales: usize, bias: usize, c: usize): void {
  const scale = v128.load32_splat(a);
  const factor0 = f32x4.mul(scale, v128.load(scales));
  const factor1 = f32x4.mul(scale, v128.load(scales, 16));
  v128.store(c, f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(low), factor0), v128.load(bias)));
  v128.store(c, f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(high), factor1), v128.load(bias, 16)), 16);
}

/** 4 rows × 8 columns. @param a - quantised rows @param bytes - of the integers of a row, in pairs */
export function tileInt8x4(
  a: usize,
  aStride: usize,
  b: usize,
  bytes: usize,
  scales: usize,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  let c00 = i32x4.splat(0);
  let c01 = i32x4.splat(0);
  let c10 = i32x4.splat(0);
  let c11 = i32x4.splat(0);
  let c20 = i32x4.splat(0);
  let c21 = i32x4.splat(0);
  let c30 = i32x4.splat(0);
  let c31 = i32x4.splat(0);
  let a0 = a + 16;
  let a1 = a0 + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  const end = a0 + bytes;
  while (a0 != end) {
    const w0 = v128.load_ext<i8>(b);
    const w1 = v128.load_ext<i8>(b, 8);
    let x = v128.load32_splat(a0);
    c00 = accumulate(c00, x, w0);
    c01 = accumulate(c01, x, w1);
    x = v128.load32_splat(a1);
    c10 = accumulate(c10, x, w0);
    c11 = accumulate(c11, x, w1);
    x = v128.load32_splat(a2);
    c20 = accumulate(c20, x, w0);
    c21 = accumulate(c21, x, w1);
    x = v128.load32_splat(a3);
    c30 = accumulate(c30, x, w0);
    c31 = accumulate(c31, x, w1);
    a0 += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    b += 16;
  }
  finish(c00, c01, a, scales, bias, c);
  finish(c10, c11, a + aStride, scales, bias, c + cStride);
  finish(c20, c21, a + 2 * aStride, scales, bias, c + 2 * cStride);
  finish(c30, c31, a + 3 * aStride, scales, bias, c + 3 * cStride);
}

/** 2 rows × 8 columns. */
export function tileInt8x2(
  a: usize,
  aStride: usize,
  b: usize,
  bytes: usize,
  scales: usize,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  let c00 = i32x4.splat(0);
  let c01 = i32x4.splat(0);
  let c10 = i32x4.splat(0);
  let c11 = i32x4.splat(0);
  let a0 = a + 16;
  let a1 = a0 + aStride;
  const end = a0 + bytes;
  while (a0 != end) {
    const w0 = v128.load_ext<i8>(b);
    const w1 = v128.load_ext<i8>(b, 8);
    let x = v128.load32_splat(a0);
    c00 = accumulate(c00, x, w0);
    c01 = accumulate(c01, x, w1);
    x = v128.load32_splat(a1);
    c10 = accumulate(c10, x, w0);
    c11 = accumulate(c11, x, w1);
    a0 += 4;
    a1 += 4;
    b += 16;
  }
  finish(c00, c01, a, scales, bias, c);
  finish(c10, c11, a + aStride, scales, bias, c + cStride);
}

/** 1 row × 8 columns. */
export function tileInt8x1(a: usize, b: usize, bytes: usize, scales: usize, bias: usize, c: usize): void {
  let c0 = i32x4.splat(0);
  let c1 = i32x4.splat(0);
  let a0 = a + 16;
  const end = a0 + bytes;
  while (a0 != end) {
    const x = v128.load32_splat(a0);
    c0 = accumulate(c0, x, v128.load_ext<i8>(b));
    c1 = accumulate(c1, x, v128.load_ext<i8>(b, 8));
    a0 += 4;
    b += 16;
  }
  finish(c0, c1, a, scales, bias, c);
}
