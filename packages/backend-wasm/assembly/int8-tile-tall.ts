/**
 * The tile that does nearly all of an int8 matrix product: 5 rows × 8 columns, four pairs of k a round. `int8-tile.ts`
 * says what it computes, and has the tiles for the rows that are left over. `tile-tall.ts` says why it is written like this;
 * here the last step is behind an `if`, too, which always holds: sums that all begin at 0 meet at the loop in another order.
 */
import { accumulate, finish, ROW_SCALE } from "./int8-tile";

/** Operands as in `int8-tile.ts`. */
export function int8Tile5x8(
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
  let c20 = i32x4.splat(0);
  let c21 = i32x4.splat(0);
  let c30 = i32x4.splat(0);
  let c31 = i32x4.splat(0);
  let c40 = i32x4.splat(0);
  let c41 = i32x4.splat(0);

  a += <usize>row * aStride;
  const lacking = -pairs & 3;
  const begin = a + ROW_SCALE;
  const end = begin + (pairs << 2);
  const begin1 = begin - 4;
  const begin2 = begin - 8;
  const begin3 = begin - 12;
  let a0 = begin - (lacking << 2);
  b += <usize>panel * bStride - (lacking << 4);
  let a1 = a0 + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  let a4 = a3 + aStride;
  while (a0 != end) {
    if (a0 >= begin) {
      const w0 = v128.load_ext<i8>(b);
      const w1 = v128.load_ext<i8>(b, 8);
      let x = v128.load32_splat(a4);
      c40 = accumulate(c40, x, w0);
      c41 = accumulate(c41, x, w1);
      x = v128.load32_splat(a3);
      c30 = accumulate(c30, x, w0);
      c31 = accumulate(c31, x, w1);
      x = v128.load32_splat(a2);
      c20 = accumulate(c20, x, w0);
      c21 = accumulate(c21, x, w1);
      x = v128.load32_splat(a1);
      c10 = accumulate(c10, x, w0);
      c11 = accumulate(c11, x, w1);
      x = v128.load32_splat(a0);
      c00 = accumulate(c00, x, w0);
      c01 = accumulate(c01, x, w1);
    }
    if (a0 >= begin1) {
      const w0 = v128.load_ext<i8>(b, 16);
      const w1 = v128.load_ext<i8>(b, 24);
      let x = v128.load32_splat(a4, 4);
      c40 = accumulate(c40, x, w0);
      c41 = accumulate(c41, x, w1);
      x = v128.load32_splat(a3, 4);
      c30 = accumulate(c30, x, w0);
      c31 = accumulate(c31, x, w1);
      x = v128.load32_splat(a2, 4);
      c20 = accumulate(c20, x, w0);
      c21 = accumulate(c21, x, w1);
      x = v128.load32_splat(a1, 4);
      c10 = accumulate(c10, x, w0);
      c11 = accumulate(c11, x, w1);
      x = v128.load32_splat(a0, 4);
      c00 = accumulate(c00, x, w0);
      c01 = accumulate(c01, x, w1);
    }
    if (a0 >= begin2) {
      const w0 = v128.load_ext<i8>(b, 32);
      const w1 = v128.load_ext<i8>(b, 40);
      let x = v128.load32_splat(a4, 8);
      c40 = accumulate(c40, x, w0);
      c41 = accumulate(c41, x, w1);
      x = v128.load32_splat(a3, 8);
      c30 = accumulate(c30, x, w0);
      c31 = accumulate(c31, x, w1);
      x = v128.load32_splat(a2, 8);
      c20 = accumulate(c20, x, w0);
      c21 = accumulate(c21, x, w1);
      x = v128.load32_splat(a1, 8);
      c10 = accumulate(c10, x, w0);
      c11 = accumulate(c11, x, w1);
      x = v128.load32_splat(a0, 8);
      c00 = accumulate(c00, x, w0);
      c01 = accumulate(c01, x, w1);
    }
    if (a0 >= begin3) {
      const w0 = v128.load_ext<i8>(b, 48);
      const w1 = v128.load_ext<i8>(b, 56);
      let x = v128.load32_splat(a4, 12);
      c40 = accumulate(c40, x, w0);
      c41 = accumulate(c41, x, w1);
      x = v128.load32_splat(a3, 12);
      c30 = accumulate(c30, x, w0);
      c31 = accumulate(c31, x, w1);
      x = v128.load32_splat(a2, 12);
      c20 = accumulate(c20, x, w0);
      c21 = accumulate(c21, x, w1);
      x = v128.load32_splat(a1, 12);
      c10 = accumulate(c10, x, w0);
      c11 = accumulate(c11, x, w1);
      x = v128.load32_splat(a0, 12);
      c00 = accumulate(c00, x, w0);
      c01 = accumulate(c01, x, w1);
    }
    a0 += 16;
    a1 += 16;
    a2 += 16;
    a3 += 16;
    a4 += 16;
    b += 64;
  }
  scales += <usize>panel << 5;
  bias += <usize>panel << 5;
  c += <usize>row * cStride + (<usize>panel << 5);
  finish(c00, c01, a, scales, bias, c);
  a += aStride;
  c += cStride;
  finish(c10, c11, a, scales, bias, c);
  a += aStride;
  c += cStride;
  finish(c20, c21, a, scales, bias, c);
  a += aStride;
  c += cStride;
  finish(c30, c31, a, scales, bias, c);
  a += aStride;
  c += cStride;
  finish(c40, c41, a, scales, bias, c);
}
