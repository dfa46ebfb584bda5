/**
 * `PrefixCache`: keys and values of rows of earlier runs, so that a prompt that begins like an earlier one pays only for
 * what is new. A tree over tokens, bounded in bytes; what was used longest ago goes first.
 *
 * Exact: in a causal tower the keys and values of a row depend on the tokens before it alone.
 */
import { tensor } from "@textower/graph";
import type { Tensor } from "@textower/graph";
import { keyValueNames } from "@textower/model";
import type { FollowingRows, PastRows } from "@textower/model";

/** One row of an earlier run. */
export interface CachedRow {
  readonly parent: CachedRow | undefined;
  readonly token: number;
  readonly children: Map<number, CachedRow>;
  /** Keys and values of every block. [layers, 2 · width] */
  readonly keyValues: Float32Array;
}

/** How full a cache is, and how much it has saved. */
export interface PrefixCacheInfo {
  readonly rows: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** Rows that were found here since the cache was made, instead of being computed. */
  readonly reused: number;
}

/** See the file's head. */
export class PrefixCache implements PastRows<CachedRow> {
  readonly #layers: number;
  readonly #columns: number;
  readonly #maxRows: number;
  readonly #maxBytes: number;
  readonly #roots = new Map<number, CachedRow>();
  /** Least recently used first. A row comes after its children, so the first one never has any. */
  readonly #order = new Set<CachedRow>();
  #reused = 0;

  /** @param maxBytes - of keys and values; bookkeeping comes on top */
  constructor(maxBytes: number, layers: number, width: number) {
    this.#layers = layers;
    this.#columns = 2 * width;
    this.#maxBytes = maxBytes;
    this.#maxRows = Math.floor(maxBytes / (layers * this.#columns * Float32Array.BYTES_PER_ELEMENT));
  }

  get info(): PrefixCacheInfo {
    const bytes = this.#order.size * this.#layers * this.#columns * Float32Array.BYTES_PER_ELEMENT;
    return { rows: this.#order.size, bytes, maxBytes: this.#maxBytes, reused: this.#reused };
  }

  after(row: CachedRow | undefined, token: number): CachedRow | undefined {
    return (row?.children ?? this.#roots).get(token);
  }

  /** Forgets everything. */
  clear(): void {
    this.#roots.clear();
    this.#order.clear();
  }

  /** The inputs `past.N` for a run, copied. Each is [past, 2 · width]. */
  inputs({ past }: FollowingRows<CachedRow>): Record<string, Tensor> {
    this.#reused += past.length;
    const columns = this.#columns;
    const inputs: Record<string, Tensor> = {};
    for (let layer = 0; layer < this.#layers; layer++) {
      const data = new Float32Array(past.length * columns);
      past.forEach((row, i) =>
        data.set(row.keyValues.subarray(layer * columns, (layer + 1) * columns), i * columns),
      );
      inputs[keyValueNames(layer).input] = tensor("float32", [past.length, columns], data);
    }
    return inputs;
  }

  /**
   * Takes in the new rows of a run. Rows that end a prompt are left out: an end of text begins nothing.
   * @param outputs - of the run, with `keyValue.N`
   */
  remember(packed: FollowingRows<CachedRow>, outputs: Readonly<Record<string, Tensor>>): void {
    const ends = new Set(packed.pooled);
    // By key. A past row may have been evicted while the run was on its way.
    const cached = packed.past.map((row) => (this.#order.has(row) ? row : undefined));
    packed.ids.forEach((token, row) => {
      const parentKey = packed.parents[packed.keyRows[row]!]!;
      const parent = parentKey < 0 ? undefined : cached[parentKey];
      const orphan = parentKey >= 0 && parent === undefined;
      cached.push(ends.has(row) || orphan ? undefined : this.#add(parent, token, row, outputs));
    });
    // Children before parents, so that parents end up as the more recent ones.
    for (const row of cached.toReversed()) if (row !== undefined) this.#touch(row);
    this.#evict();
  }

  #add(
    parent: CachedRow | undefined,
    token: number,
    row: number,
    outputs: Readonly<Record<string, Tensor>>,
  ): CachedRow {
    const siblings = parent?.children ?? this.#roots;
    const known = siblings.get(token); // another run was faster
    if (known !== undefined) return known;
    const columns = this.#columns;
    const keyValues = new Float32Array(this.#layers * columns);
    for (let layer = 0; layer < this.#layers; layer++) {
      const data = outputs[keyValueNames(layer).output]!.data as Float32Array;
      keyValues.set(data.subarray(row * columns, (row + 1) * columns), layer * columns);
    }
    const added = { parent, token, children: new Map(), keyValues };
    siblings.set(token, added);
    return added;
  }

  #touch(row: CachedRow): void {
    this.#order.delete(row);
    this.#order.add(row);
  }

  #evict(): void {
    for (const row of this.#order) {
      if (this.#order.size <= this.#maxRows) return;
      this.#order.delete(row);
      (row.parent?.children ?? this.#roots).delete(row.token);
    }
  }
}
