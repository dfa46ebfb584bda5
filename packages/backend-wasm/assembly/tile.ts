/**
 * The inner loops of the float32 matrix product: one tile of C = S + A · B, kept in registers over the whole k-loop.
 * These tiles are for the rows that `tile-tall.ts` leaves over.
 *
 * Operands: the first row, of A, S and C; the first panel, of B and for the columns of S and C. A [rows, k] row-major.
 * B in panels of 8 columns, k-major: [k, 8] each. S, what the sums start from, has a row stride of its own: 0 for a
 * bias, C's for the next block of k. Strides in bytes. Addresses are computed in here, since V8 clears the upper half
 * of one that is a parameter again in every round of a loop.
 *
 * Every element of C is summed in the order of k, one multiply-add after another, in every tile: so a row's result
 * does not depend on how many rows stand beside it. Tiles are exported so that they stay functions of their own: an
 * engine optimises by function.
 */
import { madd } from "./arithmetic";

/** 2 rows × 16 columns: two panels, `bStride` bytes apart. */
export function tile2x16(
  row: u32,
  panel: u32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  k: u32,
  s: usize,
  sStride: usize,
  c: usize,
  cStride: usize,
): void {
  s += <usize>row * sStride + (<usize>panel << 5);
  c += <usize>row * cStride + (<usize>panel << 5);
  a += <usize>row * aStride;
  b += <usize>panel * bStride;
  let c00 = v128.load(s);
  let c01 = v128.load(s, 16);
  let c02 = v128.load(s, 32);
  let c03 = v128.load(s, 48);
  s += sStride;
  let c10 = v128.load(s);
  let c11 = v128.load(s, 16);
  let c12 = v128.load(s, 32);
  let c13 = v128.load(s, 48);
  let a1 = a + aStride;
  let b1 = b + bStride;
  const end = a + ((<usize>k) << 2);
  while (a != end) {
    const x = v128.load32_splat(a);
    const y = v128.load32_splat(a1);
    let w = v128.load(b);
    c00 = madd(x, w, c00);
    c10 = madd(y, w, c10);
    w = v128.load(b, 16);
    c01 = madd(x, w, c01);
    c11 = madd(y, w, c11);
    w = v128.load(b1);
    c02 = madd(x, w, c02);
    c12 = madd(y, w, c12);
    w = v128.load(b1, 16);
    c03 = madd(x, w, c03);
    c13 = madd(y, w, c13);
    a += 4;
    a1 += 4;
    b += 32;
    b1 += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c02, 32);
  v128.store(c, c03, 48);
  c += cStride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  v128.store(c, c12, 32);
  v128.store(c, c13, 48);
}

/** 1 row × 32 columns: four panels, `bStride` bytes apart. */
export function tile1x32(
  row: u32,
  panel: u32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  k: u32,
  s: usize,
  sStride: usize,
  c: usize,
  cStride: usize,
): void {
  s += <usize>row * sStride + (<usize>panel << 5);
  c += <usize>row * cStride + (<usize>panel << 5);
  a += <usize>row * aStride;
  b += <usize>panel * bStride;
  let c0 = v128.load(s);
  let c1 = v128.load(s, 16);
  let c2 = v128.load(s, 32);
  let c3 = v128.load(s, 48);
  let c4 = v128.load(s, 64);
  let c5 = v128.load(s, 80);
  let c6 = v128.load(s, 96);
  let c7 = v128.load(s, 112);
  let b1 = b + bStride;
  let b2 = b1 + bStride;
  let b3 = b2 + bStride;
  const end = a + ((<usize>k) << 2);
  while (a != end) {
    const x = v128.load32_splat(a);
    c0 = madd(x, v128.load(b), c0);
    c1 = madd(x, v128.load(b, 16), c1);
    c2 = madd(x, v128.load(b1), c2);
    c3 = madd(x, v128.load(b1, 16), c3);
    c4 = madd(x, v128.load(b2), c4);
    c5 = madd(x, v128.load(b2, 16), c5);
    c6 = madd(x, v128.load(b3), c6);
    c7 = madd(x, v128.load(b3, 16), c7);
    a += 4;
    b += 32;
    b1 += 32;
    b2 += 32;
    b3 += 32;
  }
  v128.store(c, c0);
  v128.store(c, c1, 16);
  v128.store(c, c2, 32);
  v128.store(c, c3, 48);
  v128.store(c, c4, 64);
  v128.store(c, c5, 80);
  v128.store(c, c6, 96);
  v128.store(c, c7, 112);
}

/** 1 row × 8 columns, for panels that are left over. */
export function tile1x8(
  row: u32,
  panel: u32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  k: u32,
  s: usize,
  sStride: usize,
  c: usize,
  cStride: usize,
): void {
  s += <usize>row * sStride + (<usize>panel << 5);
  c += <usize>row * cStride + (<usize>panel << 5);
  a += <usize>row * aStride;
  b += <usize>panel * bStride;
  let c0 = v128.load(s);
  let c1 = v128.load(s, 16);
  const end = a + ((<usize>k) << 2);
  while (a != end) {
    const x = v128.load32_splat(a);
    c0 = madd(x, v128.load(b), c0);
    c1 = madd(x, v128.load(b, 16), c1);
    a += 4;
    b += 32;
  }
  v128.store(c, c0);
  v128.store(c, c1, 16);
}
