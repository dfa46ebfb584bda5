/**
 * Prompts as rows that follow rows of earlier runs, whose keys and values somebody kept: the inputs of a graph built with
 * `past: true`. Only what is new in a prompt becomes a row.
 *
 * Not here: keeping them. Any tree will do that can tell the row after a row.
 */
import type { TokenSequence } from "./pack.js";

/** Rows of earlier runs, as a tree over tokens. `Row` is whatever stands for one of them. */
export interface PastRows<Row> {
  /** The row of `token` after `row`, or as the first token of a prompt if `row` is undefined. */
  after(row: Row | undefined, token: number): Row | undefined;
}

/** Rows of one run after rows of others. Keys are past rows, then new rows. */
export interface FollowingRows<Row> {
  /** The past rows that are needed, a parent before its children. [past] */
  readonly past: readonly Row[];
  /** Token id of each new row. [rows] */
  readonly ids: Int32Array;
  /** Place of each new row in its prompt. [rows] */
  readonly positions: Int32Array;
  /** The key before each key in its prompt, −1 at the start. [past + rows] */
  readonly parents: Int32Array;
  /** The key that each new row is. [rows] */
  readonly keyRows: Int32Array;
  /** The new row that stands for each prompt. [prompts] */
  readonly pooled: Int32Array;
  /** The key that each pooled row is. [prompts] */
  readonly pooledKeys: Int32Array;
}

/**
 * Packs prompts for a causal tower after rows that are known already. The pooled row of a prompt is always new.
 * @param maxPast - most past rows to use; prompts go on without where more would be needed
 * @throws RangeError as `packRows`
 */
export function packAfter<Row>(
  sequences: readonly TokenSequence[],
  known: PastRows<Row>,
  maxPast: number,
): FollowingRows<Row> {
  if (sequences.length === 0) throw new RangeError("packAfter: expected at least one prompt, got none");
  const keys = new Map<Row, number>(); // past row → its key
  const parents: number[] = [];
  const starts = sequences.map(({ ids, endOfText = ids.length - 1 }, prompt) => {
    if (!Number.isInteger(endOfText) || endOfText < 0 || endOfText >= ids.length) {
      throw new RangeError(
        `packAfter: expected an end of text within the tokens of prompt ${prompt}, got ${endOfText}`,
      );
    }
    let row: Row | undefined;
    let position = 0;
    for (; position < endOfText; position++) {
      const next = known.after(row, ids[position]!);
      if (next === undefined) break;
      if (!keys.has(next)) {
        if (keys.size >= maxPast) break;
        parents.push(row === undefined ? -1 : keys.get(row)!);
        keys.set(next, keys.size);
      }
      row = next;
    }
    return { key: row === undefined ? -1 : keys.get(row)!, position, endOfText };
  });

  const past = keys.size;
  const ids: number[] = [];
  const positions: number[] = [];
  const children = new Map<string, number>(); // "parent key,token" → key of a new row
  const pooledKeys = sequences.map((sequence, prompt) => {
    const start = starts[prompt]!;
    let key = start.key;
    for (let position = start.position; position <= start.endOfText; position++) {
      const token = sequence.ids[position]!;
      const edge = `${key},${token}`;
      let next = children.get(edge);
      if (next === undefined) {
        next = past + ids.length;
        ids.push(token);
        positions.push(position);
        parents.push(key);
        children.set(edge, next);
      }
      key = next;
    }
    return key;
  });
  return {
    past: [...keys.keys()],
    ids: Int32Array.from(ids),
    positions: Int32Array.from(positions),
    parents: Int32Array.from(parents),
    keyRows: Int32Array.from(ids, (_, row) => past + row),
    pooled: Int32Array.from(pooledKeys, (key) => key - past),
    pooledKeys: Int32Array.from(pooledKeys),
  };
}
