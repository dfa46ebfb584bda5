/** Which tile a linear is computed with: by its shape, its rows in this run, and the device. */
import type { LinearTile } from "./kernels/linear.js";

/** How kernels are chosen. `auto` asks the device; the others are for tests and measurements. */
export type KernelChoice = "auto" | "plain" | "gpu";

/** Rows up to which a GPU splits sums instead of sharing tiles. */
const FEW_ROWS = 8;
/** Tiles of 128 × 128 that are enough to occupy a large GPU. */
const MANY_TILES = 128;

/** The tile for `rows` × `outputs`. */
export function linearTile(plain: boolean, rows: number, outputs: number): LinearTile {
  const down = rows <= 1 ? 1 : rows <= 2 ? 2 : rows <= 4 ? 4 : 8;
  if (plain) return { kind: "direct", rows: down };
  if (rows <= FEW_ROWS) return { kind: "split", rows: down };
  const large = Math.ceil(rows / 128) * Math.ceil(outputs / 128) >= MANY_TILES;
  return large ? { kind: "tiled", rows: 128, outputs: 128 } : { kind: "tiled", rows: 64, outputs: 64 };
}

/** Row counts that between them use every tile that runs of up to `maxRows` can use. */
export function tileRows(plain: boolean, maxRows: number): number[] {
  return (plain ? [1, 2, 4, 8] : [1, 2, 4, 8, 64, maxRows]).filter((rows) => rows <= maxRows);
}
