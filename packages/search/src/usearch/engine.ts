/**
 * `usearchEngine`: approximate search on usearch, embedded: a graph of near neighbours in memory, so that a query looks at few
 * vectors. usearch knows numbers only: ids and metadata are kept here, and filters looked at here.
 *
 * A filter asks for as many neighbours as should hold enough that fulfil it, then for more. The fewer fulfil it, the more of
 * the index is visited.
 */
import { RunQueue } from "@textower/graph";
import type { Clause } from "../filter.js";
import { matches } from "../filter.js";
import type {
  EngineStore,
  EntryBatch,
  Hit,
  IndexLayout,
  Metadata,
  QueryBatch,
  SearchEngine,
} from "../engine.js";
import { readFolder, writeFolder } from "./folder.js";
import type { Usearch, UsearchIndex, UsearchQuantization } from "./usearch-types.js";

/** Options of `usearchEngine`. */
export interface UsearchEngineOptions {
  /** The package: `import * as usearch from "usearch"`. */
  readonly usearch: Usearch;
  /**
   * A folder for this index alone, made if it is missing. It is read by `open`, and written by `flush` and `close`: what was added
   * after the last of these is lost with the process. One process at a time. Default: in memory only.
   */
  readonly path?: string;
  /** How numbers are kept. Default "f32"; "f16" and "i8" take a half and a quarter of it, and are less exact. */
  readonly quantization?: UsearchQuantization;
  /** Neighbours of a vector in the graph. Default 16. */
  readonly connectivity?: number;
  /** Candidates that adding looks at. More: a better graph, made more slowly. Default 128. */
  readonly expansionAdd?: number;
  /** Candidates that a search looks at, `topK` at least. More: less is missed, more slowly. Default 128. */
  readonly expansionSearch?: number;
}

/** Beyond what should be enough with a filter, so much more is asked for. */
const SPARE = 1.5;

/**
 * Threads of usearch. With more, version 2.25 was seen to find wrong neighbours in small indexes (hundreds of vectors), now and
 * then where adding and searching have as many, nearly always where they differ.
 */
const THREADS = 1;

/** Most hits that usearch is asked for at once; more queries are asked in turns. */
const MOST_MATCHES = 2 ** 20;

/**
 * An engine on usearch.
 * @example
 * import * as usearch from "usearch";
 * const engine = usearchEngine({ usearch, path: "images.usearch" });
 */
export function usearchEngine(options: UsearchEngineOptions): SearchEngine {
  return { name: "usearch", open: (layout) => openStore(layout, options) };
}

/** What usearch has no place for. */
export interface Labels {
  /** key → id and metadata, in the order of adding. */
  readonly entries: Map<number, { readonly id: string; readonly metadata: Metadata }>;
  /** The next key. None is used twice. */
  next: number;
}

async function openStore(layout: IndexLayout, options: UsearchEngineOptions): Promise<UsearchStore> {
  const { usearch, path, quantization = "f32", connectivity = 16 } = options;
  const index = new usearch.Index({
    dimensions: layout.dimension,
    metric: "ip" as never,
    quantization: quantization as never,
    connectivity,
    expansion_add: options.expansionAdd ?? 128,
    expansion_search: options.expansionSearch ?? 128,
    multi: false,
  });
  const stored = path === undefined ? undefined : await readFolder(path, layout, index);
  return new UsearchStore(layout, index, stored ?? { entries: new Map(), next: 0 }, options);
}

class UsearchStore implements EngineStore {
  readonly #queue = new RunQueue("usearchEngine");
  readonly #layout: IndexLayout;
  readonly #index: UsearchIndex;
  readonly #labels: Labels;
  readonly #keys = new Map<string, number>();
  readonly #path: string | undefined;
  /** Whether the folder has all of it. */
  #clean = true;

  constructor(layout: IndexLayout, index: UsearchIndex, labels: Labels, options: UsearchEngineOptions) {
    this.#layout = layout;
    this.#index = index;
    this.#labels = labels;
    this.#path = options.path;
    for (const [key, { id }] of labels.entries) this.#keys.set(id, key);
  }

  add({ ids, vectors, metadata }: EntryBatch): Promise<void> {
    return this.#queue.run(() => {
      const { entries, next } = this.#labels;
      this.#clean = false;
      this.#remove(ids);
      this.#labels.next += ids.length;
      this.#index.add(
        BigUint64Array.from(ids, (_, i) => BigInt(next + i)),
        vectors,
        THREADS,
      );
      ids.forEach((id, i) => {
        this.#keys.set(id, next + i);
        entries.set(next + i, { id, metadata: metadata[i]! });
      });
    });
  }

  remove(ids: readonly string[]): Promise<number> {
    return this.#queue.run(() => {
      this.#clean = false;
      return this.#remove(ids);
    });
  }

  search({ count, vectors, topK, filter }: QueryBatch): Promise<Hit[][]> {
    return this.#queue.run(() => {
      const size = this.#index.size(); // with what is removed
      const passing = filter.length === 0 ? this.#labels.entries.size : this.#countPassing(filter);
      const wanted = Math.min(topK, passing);
      if (wanted === 0) return Array.from({ length: count }, () => []);
      const share = passing / size;
      const first = passing === size ? wanted : Math.ceil((wanted / share) * SPARE);
      const { dimension } = this.#layout;
      const hits: Hit[][] = [];
      const group = Math.max(1, Math.floor(MOST_MATCHES / first));
      for (let begin = 0; begin < count; begin += group) {
        const some = vectors.subarray(begin * dimension, Math.min(count, begin + group) * dimension);
        const found = this.#ask(some, Math.min(size, first), filter);
        found.forEach((list, i) => {
          hits.push(this.#enough(list, some, i, { wanted, asked: first, size, filter }));
        });
      }
      return hits;
    });
  }

  count(): Promise<number> {
    return this.#queue.run(() => this.#keys.size);
  }

  flush(): Promise<void> {
    return this.#queue.run(() => this.#write());
  }

  close(): Promise<void> {
    return this.#queue.dispose(async () => {
      await this.#write();
      this.#keys.clear();
      this.#labels.entries.clear();
    });
  }

  async #write(): Promise<void> {
    if (this.#path === undefined || this.#clean) return;
    await writeFolder(this.#path, this.#layout, this.#index, this.#labels);
    this.#clean = true;
  }

  /**
   * Forgets ids; usearch keeps their vectors, and what it finds of them is passed over. Its own removal gives their places to
   * what is added next, and version 2.25 then finds keys that were removed, or does not return.
   * @returns how many of the ids were there
   */
  #remove(ids: readonly string[]): number {
    const keys = ids.flatMap((id) => this.#keys.get(id) ?? []);
    for (const key of keys) this.#labels.entries.delete(key);
    for (const id of ids) this.#keys.delete(id);
    return keys.length;
  }

  #countPassing(filter: readonly Clause[]): number {
    let passing = 0;
    for (const { metadata } of this.#labels.entries.values()) passing += Number(matches(metadata, filter));
    return passing;
  }

  /** The hits of one query, asked again for more neighbours until enough of them fulfil the filter. */
  #enough(
    hits: Hit[],
    vectors: Float32Array,
    query: number,
    {
      wanted,
      asked,
      size,
      filter,
    }: { wanted: number; asked: number; size: number; filter: readonly Clause[] },
  ): Hit[] {
    const { dimension } = this.#layout;
    const vector = vectors.subarray(query * dimension, (query + 1) * dimension);
    let found = hits;
    for (let k = asked; found.length < wanted && k < size;) {
      k = Math.min(size, 4 * k);
      [found] = this.#ask(vector, k, filter) as [Hit[]];
    }
    return found.slice(0, wanted);
  }

  /** The k nearest of each query, as far as they fulfil the filter. @param vectors - [queries, dimension] */
  #ask(vectors: Float32Array, k: number, filter: readonly Clause[]): Hit[][] {
    const count = vectors.length / this.#layout.dimension;
    const { keys, distances, counts } = this.#index.search(vectors, k, THREADS);
    return Array.from({ length: count }, (_, query) => {
      const hits: Hit[] = [];
      const filled = counts === undefined ? keys.length : Number(counts[query]);
      for (let at = query * k; at < query * k + filled; at++) {
        const entry = this.#labels.entries.get(Number(keys[at]));
        if (entry === undefined || !matches(entry.metadata, filter)) continue;
        hits.push({ ...entry, similarity: 1 - distances[at]! });
      }
      return hits;
    });
  }
}
