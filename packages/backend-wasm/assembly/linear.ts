/**
 * `C = A · Wᵀ + bias`, over packed weights, in float32, float16 and int8.
 *
 * Work comes in units: a group of 4 panels (32 outputs), times a part of the rows. Within one, k goes in blocks, so
 * that a panel's block stays in the first cache while the rows pass by; sums go on from where C has them.
 */
import { int8Tile1x8, int8Tile2x8 } from "./int8-tile";
import { int8Tile5x8 } from "./int8-tile-tall";
import { tile1x32, tile1x8, tile2x16 } from "./tile";
import { tile5x8 } from "./tile-tall";
import { FIELDS, REBIAS, widenBlock } from "./widen";
import { PANELS_PER_GROUP } from "../src/record";

/** Steps of k in a block: a panel's block is 16 KiB. */
const K_BLOCK: u32 = 512;
/** Rows that stay in the second cache for a block of k: 120 KiB. Goes round in fives. */
const ROW_BLOCK: u32 = 60;

/**
 * One unit: `rows` rows, `panels` (1 to 4) panels from `b`. Columns of C are padded to whole panels.
 * @param widened - where float16 panels are widened to, a block of k at a time; 0 for panels in float32
 */
export function linearGroup(
  rows: u32,
  k: u32,
  panels: u32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  widened: usize,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  for (let from: u32 = 0; from < k; from += K_BLOCK) {
    const steps = min(K_BLOCK, k - from);
    const s = from == 0 ? bias : c;
    const sStride: usize = from == 0 ? 0 : cStride;
    const x = a + (<usize>from << 2);
    if (widened == 0) {
      linearBlock(rows, steps, panels, x, aStride, b + (<usize>from << 5), bStride, s, sStride, c, cStride);
      continue;
    }
    for (let panel: u32 = 0; panel < panels; panel++) {
      const halves = b + (<usize>from << 4) + <usize>panel * bStride;
      widenBlock(steps << 3, halves, widened + <usize>panel * (K_BLOCK << 5), FIELDS, REBIAS);
    }
    linearBlock(rows, steps, panels, x, aStride, widened, K_BLOCK << 5, s, sStride, c, cStride);
  }
}

/** As `linearGroup`, of quantised rows and int8 panels. @param scales - of the outputs */
export function linearGroupInt8(
  rows: u32,
  k: u32,
  panels: u32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  scales: usize,
  bias: usize,
  c: usize,
  cStride: usize,
): void {
  const pairs = <usize>(k + 1) >> 1;
  for (let first: u32 = 0; first < rows; first += ROW_BLOCK) {
    const end = first + min(ROW_BLOCK, rows - first);
    for (let panel: u32 = 0; panel < panels; panel++) {
      let row = first;
      for (; row + 5 <= end; row += 5) {
        int8Tile5x8(row, panel, a, aStride, b, bStride, pairs, scales, bias, c, cStride);
      }
      for (; row + 2 <= end; row += 2) {
        int8Tile2x8(row, panel, a, aStride, b, bStride, pairs, scales, bias, c, cStride);
      }
      if (row < end) int8Tile1x8(row, panel, a, aStride, b, bStride, pairs, scales, bias, c, cStride);
    }
  }
}

/** One block of k: `C = S + A · B` for all rows. `bStride`: from panel to panel. */
export function linearBlock(
  rows: u32,
  k: u32,
  panels: u32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  s: usize,
  sStride: usize,
  c: usize,
  cStride: usize,
): void {
  for (let first: u32 = 0; first < rows; first += ROW_BLOCK) {
    const count = min(ROW_BLOCK, rows - first);
    const rest = count % 5;
    linearRest(first, rest, panels, a, aStride, b, bStride, k, s, sStride, c, cStride);
    for (let panel: u32 = 0; panel < panels; panel++) {
      for (let row = first + rest; row < first + count; row += 5) {
        tile5x8(row, panel, a, aStride, b, bStride, k, s, sStride, c, cStride);
      }
    }
  }
}

/** The `count` rows, 0 to 4, that are left over by fives: wider tiles keep as many sums in flight. */
function linearRest(
  row: u32,
  count: u32,
  panels: u32,
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
  for (; count >= 2; count -= 2) {
    let panel: u32 = 0;
    for (; panel + 2 <= panels; panel += 2) {
      tile2x16(row, panel, a, aStride, b, bStride, k, s, sStride, c, cStride);
    }
    if (panel < panels) {
      tile1x8(row, panel, a, aStride, b, bStride, k, s, sStride, c, cStride);
      tile1x8(row + 1, panel, a, aStride, b, bStride, k, s, sStride, c, cStride);
    }
    row += 2;
  }
  if (count == 0) return;
  if (panels == PANELS_PER_GROUP) {
    tile1x32(row, 0, a, aStride, b, bStride, k, s, sStride, c, cStride);
    return;
  }
  for (let panel: u32 = 0; panel < panels; panel++) {
    tile1x8(row, panel, a, aStride, b, bStride, k, s, sStride, c, cStride);
  }
}
