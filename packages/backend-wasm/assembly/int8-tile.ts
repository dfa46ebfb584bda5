/**
 * The inner loops of the int8 matrix product: `c = scale_row · scale_column · Σ q_a q_w + bias`, with whole sums in
 * 32-bit integers: exact, in any order. Weights are widened to 16 bits as they are loaded. These tiles are for the rows
 * that `int8-tile-tall.ts` leaves over.
 *
 * Operands: the first row, of A and C; the panel, of B and for the columns of scales, bias and C. A as `quantise.ts` writes it:
 * a row's scale, then its integers, in `pairs` of 32 bits. B in panels of 8 columns: 16 bytes for each pair. Strides in bytes.
 */

/** Bytes from a quantised row to its integers. */
export const ROW_SCALE: usize = 16;

// @ts-ignore: decorator
@inline
export function accumulate(sum: v128, x: v128, w: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, w));
}

/** Whole sums of 8 columns to floats. @param a - the quantised row @param scales, bias, c - of the panel */
// @ts-ignore: decorator
@inline
export function finish(low: v128, high: v128, a: usize, scales: usize, bias: usize, c: usize): void {
  const scale = v128.load32_splat(a);
  const factor0 = f32x4.mul(scale, v128.load(scales));
  const factor1 = f32x4.mul(scale, v128.load(scales, 16));
  v128.store(c, f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(low), factor0), v128.load(bias)));
  v128.store(c, f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(high), factor1), v128.load(bias, 16)), 16);
}

/** 2 rows × 8 columns. */
export function int8Tile2x8(
  row: u32,
  panel: u32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  pairs: usize,
  scales: usize,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  let c00 = i32x4.splat(0);
  let c01 = i32x4.splat(0);
  let c10 = i32x4.splat(0);
  let c11 = i32x4.splat(0);
  a += <usize>row * aStride;
  b += <usize>panel * bStride;
  let a0 = a + ROW_SCALE;
  let a1 = a0 + aStride;
  const end = a0 + (pairs << 2);
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
  scales += <usize>panel << 5;
  bias += <usize>panel << 5;
  c += <usize>row * cStride + (<usize>panel << 5);
  finish(c00, c01, a, scales, bias, c);
  finish(c10, c11, a + aStride, scales, bias, c + cStride);
}

/** 1 row × 8 columns. */
export function int8Tile1x8(
  row: u32,
  panel: u32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  pairs: usize,
  scales: usize,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  let c0 = i32x4.splat(0);
  let c1 = i32x4.splat(0);
  a += <usize>row * aStride;
  b += <usize>panel * bStride;
  let a0 = a + ROW_SCALE;
  const end = a0 + (pairs << 2);
  while (a0 != end) {
    const x = v128.load32_splat(a0);
    c0 = accumulate(c0, x, v128.load_ext<i8>(b));
    c1 = accumulate(c1, x, v128.load_ext<i8>(b, 8));
    a0 += 4;
    b += 16;
  }
  finish(c0, c1, a, scales + (<usize>panel << 5), bias + (<usize>panel << 5), c + <usize>row * cStride + (<usize>panel << 5));
}
