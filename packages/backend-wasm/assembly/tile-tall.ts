/**
 * The tile that does nearly all of a matrix product: 5 rows × 8 columns of C = S + A · B in registers, four steps of k
 * a round. `tile.ts` says how A, B, C and S lie, and has the tiles for the rows that are left over.
 *
 * Unrolled, since with one step a round a third of the instructions are addresses and the loop. Written so that V8's older
 * compiler (TurboFan, as in Node 20) does not spoil that. It leaves loads in their order but moves arithmetic down to
 * where the results are used: of four plain steps in a row, all loads would come first, and spill. So each step is a
 * block of its own, behind an `if`, whose sums meet at its end. In such a block it goes through the sums backwards, hence
 * rows from the last to the first; in the last step, whose sums meet at the loop, it does not. The conditions have a use:
 * where k is no multiple of four, they skip in the first round what is lacking.
 */
import { madd } from "./arithmetic";

/** Operands as in `tile.ts`. */
export function tile5x8(
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

  const lacking = -(<usize>k) & 3;
  const begin = a + <usize>row * aStride;
  const end = begin + (<usize>k << 2);
  const begin1 = begin - 4;
  const begin2 = begin - 8;
  let a0 = begin - (lacking << 2);
  b += <usize>panel * bStride - (lacking << 5);
  let a1 = a0 + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  let a4 = a3 + aStride;
  while (a0 != end) {
    if (a0 >= begin) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      let x = v128.load32_splat(a4);
      c40 = madd(x, b0, c40);
      c41 = madd(x, b1, c41);
      x = v128.load32_splat(a3);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      x = v128.load32_splat(a2);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load32_splat(a1);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load32_splat(a0);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
    }
    if (a0 >= begin1) {
      const b0 = v128.load(b, 32);
      const b1 = v128.load(b, 48);
      let x = v128.load32_splat(a4, 4);
      c40 = madd(x, b0, c40);
      c41 = madd(x, b1, c41);
      x = v128.load32_splat(a3, 4);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      x = v128.load32_splat(a2, 4);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load32_splat(a1, 4);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load32_splat(a0, 4);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
    }
    if (a0 >= begin2) {
      const b0 = v128.load(b, 64);
      const b1 = v128.load(b, 80);
      let x = v128.load32_splat(a4, 8);
      c40 = madd(x, b0, c40);
      c41 = madd(x, b1, c41);
      x = v128.load32_splat(a3, 8);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      x = v128.load32_splat(a2, 8);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load32_splat(a1, 8);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load32_splat(a0, 8);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
    }
    {
      const b0 = v128.load(b, 96);
      const b1 = v128.load(b, 112);
      let x = v128.load32_splat(a0, 12);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1, 12);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2, 12);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load32_splat(a3, 12);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      x = v128.load32_splat(a4, 12);
      c40 = madd(x, b0, c40);
      c41 = madd(x, b1, c41);
    }
    a0 += 16;
    a1 += 16;
    a2 += 16;
    a3 += 16;
    a4 += 16;
    b += 128;
  }
  c += <usize>row * cStride + (<usize>panel << 5);
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
