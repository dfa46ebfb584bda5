/**
 * Rows as integers: `x ≈ q · scale` with the row's own scale, |q| ≤ limit. A quantised row is its scale, padded to 16
 * bytes, and then q as 16-bit integers, padded with zeros to a multiple of 8: the product wants 16 bits anyway, so
 * activations keep 11 bits and a sign, where 8 would cost accuracy and save nothing.
 */
import { largestLane } from "./arithmetic";

/** Sums of k products of an int8 and a `limit` stay within 32 bits. @returns 2047 for k up to 8192, less beyond */
export function activationLimit(k: u32): i32 {
  return <i32>min<u32>(2047, 0x7fffffff / 128 / k);
}

export function quantise(rows: u32, columns: u32, x: usize, xStride: usize, y: usize, yStride: usize): void {
  const limit = <f32>activationLimit(columns);
  const bytes = <usize>columns << 2;
  const whole = bytes & ~15;
  for (let row: u32 = 0; row < rows; row++) {
    let most = f32x4.splat(0);
    for (let i: usize = 0; i < whole; i += 16) most = f32x4.pmax(most, f32x4.abs(v128.load(x + i)));
    let largest = largestLane(most);
    for (let i = whole; i < bytes; i += 4) largest = max<f32>(largest, abs<f32>(load<f32>(x + i)));

    const inverse: f32 = largest == 0 ? 0 : limit / largest;
    store<f32>(y, largest / limit);
    const inverses = f32x4.splat(inverse);
    let to = y + 16;
    for (let i: usize = 0; i < bytes; i += 32) {
      const low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x + i), inverses)));
      const high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x + i, 16), inverses)));
      v128.store(to, i16x8.narrow_i32x4_s(low, high));
      to += 16;
    }
    // What the last vector took from the padding.
    for (let i = columns; (i & 7) != 0; i++) store<i16>(y + 16 + (<usize>i << 1), 0);
    x += xStride;
    y += yStride;
  }
}
