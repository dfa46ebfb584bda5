/**
 * Rows of the token table by id, from wherever the checkpoint lies. The table is never loaded: it is 40 % of a
 * ViT-B/32 text tower, and a prompt needs a dozen rows of 49,408.
 */
import { BYTES_PER_ELEMENT, toFloat32 } from "@textower/graph";
import type { RowRange, Tensor } from "@textower/graph";
import { CheckpointError } from "./errors.js";

/** Looks up rows of a matrix. */
export interface RowSource {
  /** Rows there are; ids are below. */
  readonly rows: number;
  /** Elements of a row. */
  readonly width: number;
  /**
   * Copies rows, widened to float32.
   * @param ids - [n], each in 0 … rows − 1, in any order, repeated or not
   * @param into - [n, width], the caller's
   * Rejects with CheckpointError `bad-token` or `bad-option` before anything is read, otherwise as reads of the
   * checkpoint do; `into` may be half filled then.
   */
  read(ids: Int32Array, into: Float32Array, signal?: AbortSignal): Promise<void>;
}

/** Default of `rowCacheBytes`: 8,192 rows of width 512. */
export const DEFAULT_ROW_CACHE_BYTES = 16 * 2 ** 20;

/** Rows that lie at most so many bytes apart are fetched together: a read costs more than such a gap. */
const GAP_BYTES = 16 * 1024;
/** Most bytes of one read, unless one row is larger; bounds what is held at once. */
const RUN_BYTES = 512 * 1024;
/** Reads in flight at once. */
const PARALLEL_READS = 4;

/**
 * Makes a row source with a cache of the rows that were used last.
 * @param readRows - reads rows of a float matrix [rows, width]
 * @param cacheBytes - upper bound of the cache, counted in float32; 0 turns it off
 */
export function rowSource(
  rows: number,
  width: number,
  readRows: (rows: RowRange, signal: AbortSignal | undefined) => Promise<Tensor>,
  cacheBytes = DEFAULT_ROW_CACHE_BYTES,
): RowSource {
  const rowBytes = width * BYTES_PER_ELEMENT.float32;
  const capacity = Math.max(0, Math.floor(cacheBytes / rowBytes));
  /** Id → row; oldest use first. */
  const cache = new Map<number, Float32Array>();

  const remember = (id: number, row: Float32Array): void => {
    cache.delete(id);
    if (capacity === 0) return;
    if (cache.size >= capacity) cache.delete(cache.keys().next().value!);
    cache.set(id, row);
  };

  return {
    rows,
    width,
    async read(ids, into, signal) {
      signal?.throwIfAborted();
      if (into.length !== ids.length * width) {
        throw new CheckpointError(
          "bad-option",
          `token rows: expected room for ${ids.length} × ${width} elements, got ${into.length}`,
        );
      }
      /** Id → where in `into` it goes. */
      const wanted = new Map<number, number[]>();
      for (const [position, id] of ids.entries()) {
        if (id < 0 || id >= rows) {
          throw new CheckpointError("bad-token", `token rows: expected ids from 0 to ${rows - 1}, got ${id}`);
        }
        const places = wanted.get(id);
        if (places === undefined) wanted.set(id, [position]);
        else places.push(position);
      }
      const deliver = (id: number, row: Float32Array): void => {
        for (const position of wanted.get(id)!) into.set(row, position * width);
        remember(id, row);
      };

      const missing: number[] = [];
      for (const id of wanted.keys()) {
        const row = cache.get(id);
        if (row === undefined) missing.push(id);
        else deliver(id, row);
      }
      const runs = coalesce(missing, rowBytes);
      const work = async (): Promise<void> => {
        for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
          const begin = run[0]!;
          const matrix = await readRows({ begin, end: run.at(-1)! + 1 }, signal);
          for (const id of run) deliver(id, widenRow(matrix, id - begin, width));
        }
      };
      // All settle before this does, so that nobody writes to `into` after it was given back.
      const workers = await Promise.allSettled(
        Array.from({ length: PARALLEL_READS }, () =>
          work().catch((error: unknown) => {
            runs.length = 0;
            throw error;
          }),
        ),
      );
      for (const worker of workers) if (worker.status === "rejected") throw worker.reason;
    },
  };
}

/** Ids in ascending runs that are worth one read each. */
function coalesce(ids: number[], rowBytes: number): number[][] {
  const runs: number[][] = [];
  let run: number[] = [];
  for (const id of ids.sort((a, b) => a - b)) {
    const gap = (id - (run.at(-1) ?? id)) * rowBytes;
    const length = (id - (run[0] ?? id) + 1) * rowBytes;
    if (run.length > 0 && (gap > GAP_BYTES || length > RUN_BYTES)) {
      runs.push(run);
      run = [];
    }
    run.push(id);
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

/** One row of a matrix as float32, in an array of its own: what else was read is let go. */
function widenRow(matrix: Tensor, row: number, width: number): Float32Array {
  const begin = row * width;
  const end = begin + width;
  // A switch, since a union of arrays has no common `slice` that TypeScript could follow back to its dtype.
  switch (matrix.dtype) {
    case "float32":
      return matrix.data.slice(begin, end);
    case "float16":
    case "bfloat16":
      return toFloat32({ dtype: matrix.dtype, shape: [width], data: matrix.data.subarray(begin, end) });
    case "int8":
      return toFloat32({
        dtype: "int8",
        shape: [1, width],
        data: matrix.data.subarray(begin, end),
        ...(matrix.scales && { scales: matrix.scales.subarray(row, row + 1) }),
      });
    default:
      throw new CheckpointError("unsupported-dtype", `token rows: expected floats, got ${matrix.dtype}`);
  }
}
