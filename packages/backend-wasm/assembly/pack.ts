/**
 * Weights [out, in], row-major, into panels: 8 outputs side by side, k-major, so that a tile reads them in one stream.
 * Outputs beyond the last are zero.
 *
 * A panel is [k, 8] in float32 and float16, and [k / 2, 8, 2] in int8: k in pairs, as `i32x4.dot_i16x8_s` adds them.
 */

/** One panel in float32. @param rows - 1 to 8 rows of x */
export function packFloat32(rows: u32, columns: u32, x: usize, xStride: usize, panel: usize): void {
  for (let row: u32 = 0; row < 8; row++) {
    let to = panel + (<usize>row << 2);
    const from = x + <usize>row * xStride;
    const bytes = <usize>columns << 2;
    for (let i: usize = 0; i < bytes; i += 4) {
      store<f32>(to, row < rows ? load<f32>(from + i) : 0);
      to += 32;
    }
  }
}

/** One panel in float16, rounded to nearest, ties to even. @returns the largest |x|: 65520 and above do not fit */
export function packFloat16(rows: u32, columns: u32, x: usize, xStride: usize, panel: usize): f32 {
  let largest: f32 = 0;
  for (let row: u32 = 0; row < 8; row++) {
    let to = panel + (<usize>row << 1);
    const from = x + <usize>row * xStride;
    const bytes = <usize>columns << 2;
    for (let i: usize = 0; i < bytes; i += 4) {
      const value: f32 = row < rows ? load<f32>(from + i) : 0;
      const magnitude = abs<f32>(value);
      if (!(magnitude <= largest)) largest = magnitude; // NaN is the largest
      store<u16>(to, toHalf(value));
      to += 16;
    }
  }
  return largest;
}

/** 0.5: adding it to |x| < 2^−14 leaves x in units of 2^−24, rounded, in the low bits. */
const SUBNORMAL_MAGIC: f32 = 0.5;

function toHalf(value: f32): u32 {
  const bits = reinterpret<u32>(value);
  const sign = (bits >> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude < 0x38800000) {
    return sign | (reinterpret<u32>(reinterpret<f32>(magnitude) + SUBNORMAL_MAGIC) - reinterpret<u32>(SUBNORMAL_MAGIC));
  }
  const rebiased = magnitude - 0x38000000; // exponent bias 127 → 15
  return sign | ((rebiased + 0xfff + ((rebiased >> 13) & 1)) >> 13);
}

/**
 * One panel in int8. `x ≈ q · scale`, one scale per output.
 * @param scales - [8] float32; those that are 0 are chosen here so that the largest |q| is 127
 */
export function packInt8(rows: u32, columns: u32, x: usize, xStride: usize, panel: usize, scales: usize): void {
  const padded = (columns + 1) & ~1;
  for (let row: u32 = 0; row < 8; row++) {
    const from = x + <usize>row * xStride;
    const used = row < rows ? columns : 0;
    let scale = load<f32>(scales + (<usize>row << 2));
    if (scale == 0) {
      let largest: f32 = 0;
      for (let i: u32 = 0; i < used; i++) largest = max<f32>(largest, abs<f32>(load<f32>(from + (<usize>i << 2))));
      scale = largest / 127;
      store<f32>(scales + (<usize>row << 2), scale);
    }
    for (let i: u32 = 0; i < padded; i++) {
      const value: f32 = i < used && scale != 0 ? nearest<f32>(load<f32>(from + (<usize>i << 2)) / scale) : 0;
      store<i8>(panel + (<usize>(i >> 1) << 4) + (<usize>row << 1) + <usize>(i & 1), <i8>(<i32>value));
    }
  }
}
