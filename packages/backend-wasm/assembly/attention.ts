/**
 * Attention of one query row over the rows it sees, head by head:
 *
 * `y = Σ_j softmax_j(q · k_j / √d) v_j`
 *
 * What a row sees is a list of row numbers: its chain of parents up to −1, or its segment. No mask, no padding.
 */
import { largestLane, madd, sumLanes } from "./arithmetic";
import { exp } from "./exp";

/** Writes a row and its ancestors, nearest first. @returns how many */
export function listAncestors(parents: usize, row: i32, list: usize): u32 {
  let count: u32 = 0;
  while (row >= 0) {
    store<i32>(list + (<usize>count << 2), row);
    row = load<i32>(parents + (<usize>row << 2));
    count++;
  }
  return count;
}

/** Writes the rows of a row's segment, in order. Equal segments stand together. @returns how many */
export function listSegment(segments: usize, rows: u32, row: i32, list: usize): u32 {
  const segment = load<i32>(segments + (<usize>row << 2));
  let first = row;
  while (first > 0 && load<i32>(segments + (<usize>(first - 1) << 2)) == segment) first--;
  let count: u32 = 0;
  for (let at = first; <u32>at < rows; at++) {
    if (load<i32>(segments + (<usize>at << 2)) != segment) break;
    store<i32>(list + (<usize>count << 2), at);
    count++;
  }
  return count;
}

/**
 * One head of one query row.
 * @param list - `count` row numbers; room for a multiple of 4, the rest is filled here
 * @param weights - scratch, as long as `list`
 * @param size - columns of a head
 */
export function attendHead(
  list: usize,
  count: u32,
  weights: usize,
  size: u32,
  q: usize,
  k: usize,
  kStride: usize,
  v: usize,
  vStride: usize,
  y: usize,
): void {
  const bytes = <usize>size << 2;
  const end = <usize>count << 2;
  const last = load<u32>(list + end - 4);
  for (let at = end; (at & 15) != 0; at += 4) store<u32>(list + at, last); // the last row again: the maximum stays

  const scale: f32 = 1 / sqrt<f32>(<f32>size);
  let largest = f32x4.splat(-Infinity);
  for (let at: usize = 0; at < end; at += 16) {
    const scores = f32x4.mul(scoreFour(list + at, q, k, kStride, bytes), f32x4.splat(scale));
    v128.store(weights + at, scores);
    largest = f32x4.pmax(largest, scores);
  }

  const offset = f32x4.splat(largestLane(largest));
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < end; at += 16) {
    const lanes = i32x4.lt_s(i32x4(0, 4, 8, 12), i32x4.splat(<i32>(end - at))); // without the rows filled in
    const weight = v128.and(exp(f32x4.sub(v128.load(weights + at), offset)), lanes);
    v128.store(weights + at, weight);
    sum = f32x4.add(sum, weight);
  }
  mixValues(list, end, weights, 1 / sumLanes(sum), v, vStride, bytes, y);
}

/** Dot products of q with four rows of k. */
export function scoreFour(list: usize, q: usize, k: usize, kStride: usize, bytes: usize): v128 {
  const k0 = k + <usize>load<u32>(list) * kStride;
  const k1 = k + <usize>load<u32>(list, 4) * kStride;
  const k2 = k + <usize>load<u32>(list, 8) * kStride;
  const k3 = k + <usize>load<u32>(list, 12) * kStride;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const whole = bytes & ~15;
  for (let i: usize = 0; i < whole; i += 16) {
    const x = v128.load(q + i);
    s0 = madd(x, v128.load(k0 + i), s0);
    s1 = madd(x, v128.load(k1 + i), s1);
    s2 = madd(x, v128.load(k2 + i), s2);
    s3 = madd(x, v128.load(k3 + i), s3);
  }
  // Transposed sums: lane j of the result is the sum over the lanes of s_j.
  const s01 = f32x4.add(i32x4.shuffle(s0, s1, 0, 1, 4, 5), i32x4.shuffle(s0, s1, 2, 3, 6, 7));
  const s23 = f32x4.add(i32x4.shuffle(s2, s3, 0, 1, 4, 5), i32x4.shuffle(s2, s3, 2, 3, 6, 7));
  let sums = f32x4.add(i32x4.shuffle(s01, s23, 0, 2, 4, 6), i32x4.shuffle(s01, s23, 1, 3, 5, 7));
  for (let i = whole; i < bytes; i += 4) {
    const keys = f32x4(load<f32>(k0 + i), load<f32>(k1 + i), load<f32>(k2 + i), load<f32>(k3 + i));
    sums = madd(v128.load32_splat(q + i), keys, sums);
  }
  return sums;
}

/** `y = scale · Σ_j weights[j] v_j` */
export function mixValues(
  list: usize,
  end: usize,
  weights: usize,
  scale: f32,
  v: usize,
  vStride: usize,
  bytes: usize,
  y: usize,
): void {
  let i: usize = 0;
  for (; i + 64 <= bytes; i += 64) {
    let y0 = f32x4.splat(0);
    let y1 = f32x4.splat(0);
    let y2 = f32x4.splat(0);
    let y3 = f32x4.splat(0);
    for (let at: usize = 0; at < end; at += 4) {
      const row = v + i + <usize>load<u32>(list + at) * vStride;
      const weight = v128.load32_splat(weights + at);
      y0 = madd(weight, v128.load(row), y0);
      y1 = madd(weight, v128.load(row, 16), y1);
      y2 = madd(weight, v128.load(row, 32), y2);
      y3 = madd(weight, v128.load(row, 48), y3);
    }
    v128.store(y + i, f32x4.mul(y0, f32x4.splat(scale)));
    v128.store(y + i, f32x4.mul(y1, f32x4.splat(scale)), 16);
    v128.store(y + i, f32x4.mul(y2, f32x4.splat(scale)), 32);
    v128.store(y + i, f32x4.mul(y3, f32x4.splat(scale)), 48);
  }
  for (; i < bytes; i += 4) {
    let sum: f32 = 0;
    for (let at: usize = 0; at < end; at += 4) {
      sum += load<f32>(weights + at) * load<f32>(v + i + <usize>load<u32>(list + at) * vStride);
    }
    store<f32>(y + i, sum * scale);
  }
}
