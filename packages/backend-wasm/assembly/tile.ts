/**
 * The inner loops of the float32 matrix product: one tile of C = S + A · B, kept in registers over the whole k-loop.
 *
 * A [rows, k] row-major. B in panels of 8 columns, k-major: [k, 8] each. S, what the sums start from, has a row stride
 * of its own: 0 for a bias, C's for the next block of k. Strides in bytes.
 *
 * Every element of C is summed in the order of k, one multiply-add after another, in every tile: so a row's result
 * does not depend on how many rows stand beside it. Tiles are exported so that they stay functions of their own: an
 * engine optimises by function. The k-loop is not unrolled: doing so by hand was seen to halve the speed.
 */
import { madd } from "./arithmetic";

/** 4 rows × 8 columns. */
export function tile4x8(
  a: usize,
  aStride: usize,
  b: usize,
  k: u32,
  s: usize,
  sStride: usize,
  c: usize,
  cStride: usize,
): void {
  let c00 = v128.load(s);
  let c01 = v128.load(s, 16);
  s += sStride;
  let c10 = v128.load(s);
  let c11 = v128.load(s, 16);
  s += sStride;
  let c20 = v128.load(s);
  let c21 = v128.load(s, 16);
  s += sStride;
  let c30 = v128.load(s);
  let c31 = v128.load(s, 16);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  const end = a + ((<usize>k) << 2);
  while (a != end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    x = v128.load32_splat(a1);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    x = v128.load32_splat(a2);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    x = v128.load32_splat(a3);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    a += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cStride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cStride;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += cStride;
  v128.store(c, c30);
  v128.store(c, c31, 16);
}

/** 5 rows × 8 columns. */
export function tile5x8(
  a: usize,
  aStride: usize,
  b: usize,
  k: u32,
  s: usize,
  sStride: usize,
  c: usize,
  cStride: usize,
): void {
  let c00 = v128.load(s);
  let c01 = v128.load(s, 16);
  s += sStride;
  let c10 = v128.load(s);
  let c11 = v128.load(s, 16);
  s += sStride;
  let c20 = v128.load(s);
  let c21 = v128.load(s, 16);
  s += sStride;
  let c30 = v128.load(s);
  let c31 = v128.load(s, 16);
  s += sStride;
  let c40 = v128.load(s);
  let c41 = v128.load(s, 16);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  let a4 = a3 + aStride;
  const end = a + ((<usize>k) << 2);
  while (a != end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    x = v128.load32_splat(a1);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    x = v128.load32_splat(a2);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    x = v128.load32_splat(a3);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    x = v128.load32_splat(a4);
    c40 = madd(x, b0, c40);
    c41 = madd(x, b1, c41);
    a += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    a4 += 4;
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cStride;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cStride;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += cStride;
  v128.store(c, c30);
  v128.store(c, c31, 16);
  c += cStride;
  v128.store(c, c40);
  v128.store(c, c41, 16);
}

/** 2 rows × 16 columns: two panels, `bStride` bytes apart. */
export function tile2x16(
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
export function tile1x32(a: usize, b: usize, bStride: usize, k: u32, s: usize, c: usize): void {
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
export function tile1x8(a: usize, b: usize, k: u32, s: usize, c: usize): void {
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
