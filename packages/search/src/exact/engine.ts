/**
 * `exactEngine`: every vector is compared with every query, in memory: nothing is missed. It is a matrix product, and
 * runs on a backend of the graph. Vectors lie in chunks of bounded size, so that adding moves only the last.
 *
 * A removed entry keeps its row, marked, until half of its chunk's rows are such; then the chunk is made anew.
 */
import { wasm } from "@textower/backend-wasm";
import { RunQueue } from "@textower/graph";
import type { Backend, Precision } from "@textower/graph";
import type {
  EngineStore,
  EntryBatch,
  Hit,
  IndexLayout,
  Metadata,
  QueryBatch,
  SearchEngine,
} from "../engine.js";
import { matches } from "../filter.js";
import { Chunk, QUERY_ROWS } from "./chunk.js";
import { TopK } from "./top-k.js";

/** Bytes of a full chunk's vectors in float32, unless `chunkRows` says otherwise. WebAssembly memories end at 4 GiB. */
const CHUNK_BYTES = 2 ** 29;

/** In a lower precision so many times `topK` candidates are compared again in float32. */
const CANDIDATES = 4;

/** Entries of one batch of `entries`. */
const BATCH = 4096;

/** Options of `exactEngine`. */
export interface ExactEngineOptions {
  /**
   * What multiplies. Default `wasm()`. In float32 only the backend has the vectors of full chunks: those on a GPU are lost with
   * its device, and what `save` writes is as exact as its products with 0 and 1.
   */
  readonly backend?: Backend;
  /**
   * How the backend keeps the vectors. Default "float32", 4 bytes a number. In "int8" or "float16" it finds candidates, four
   * times `topK`, whose similarities are then computed in float32: "int8" is faster, but takes 5 bytes, and may miss what
   * is nearly equal.
   */
  readonly precision?: Precision;
  /**
   * Most vectors of a chunk. Default: those that fill 512 MiB; while the last chunk fills, it takes twice its size. GPUs may
   * take less in one piece.
   */
  readonly chunkRows?: number;
}

/**
 * The engine that an index has unless told otherwise. In memory: `EmbeddingIndex.save` and `load` keep what it holds.
 * @throws RangeError for a `chunkRows` that is no positive integer
 * @example
 * const index = await openEmbeddingIndex({ dimension: 512, checkpoint: "ViT-B/32", engine: exactEngine({ precision: "int8" }) });
 */
export function exactEngine(options: ExactEngineOptions = {}): SearchEngine {
  const { chunkRows } = options;
  if (chunkRows !== undefined && !(Number.isInteger(chunkRows) && chunkRows >= 1)) {
    throw new RangeError(`exactEngine: expected chunkRows of 1 or more, got ${chunkRows}`);
  }
  return { name: "exact", open: (layout) => Promise.resolve(new ExactStore(layout, options)) };
}

/** A chunk and what belongs to its rows. */
interface Part {
  readonly chunk: Chunk;
  ids: string[];
  metadata: Metadata[];
  /** Whether a row is removed. */
  dead: boolean[];
  deadRows: number;
}

class ExactStore implements EngineStore {
  readonly #queue = new RunQueue("exactEngine");
  readonly #dimension: number;
  readonly #capacity: number;
  readonly #backend: Backend;
  readonly #precision: Precision;
  #parts: Part[] = [];
  /** id → slot, the place of its row: part · capacity + row. */
  readonly #slots = new Map<string, number>();

  constructor(
    { dimension }: IndexLayout,
    { backend = wasm(), precision = "float32", chunkRows }: ExactEngineOptions,
  ) {
    this.#dimension = dimension;
    this.#capacity = chunkRows ?? Math.max(QUERY_ROWS, Math.floor(CHUNK_BYTES / (dimension * 4)));
    this.#backend = backend;
    this.#precision = precision;
  }

  add(batch: EntryBatch): Promise<void> {
    return this.#queue.run(async () => {
      let done = 0;
      while (done < batch.ids.length) done += await this.#append(batch, done);
      await this.#compact();
    });
  }

  remove(ids: readonly string[]): Promise<number> {
    return this.#queue.run(async () => {
      const removed = ids.filter((id) => this.#bury(id)).length;
      await this.#compact();
      return removed;
    });
  }

  search(queries: QueryBatch): Promise<Hit[][]> {
    return this.#queue.run(async () => {
      const hits: Hit[][] = [];
      const verdicts = this.#parts.map(
        ({ ids }) => new Uint8Array(queries.filter.length > 0 ? ids.length : 0),
      );
      for (let first = 0; first < queries.count; first += QUERY_ROWS) {
        const end = Math.min(first + QUERY_ROWS, queries.count);
        const vectors = queries.vectors.subarray(first * this.#dimension, end * this.#dimension);
        hits.push(...(await this.#nearest(vectors, queries, verdicts)));
      }
      return hits;
    });
  }

  count(): Promise<number> {
    return this.#queue.run(() => this.#slots.size);
  }

  async *entries(): AsyncGenerator<EntryBatch> {
    for (const part of this.#parts) {
      const { vectors, ids, metadata, dead } = await this.#queue.run(async () => ({
        ...part,
        dead: [...part.dead],
        vectors: await part.chunk.vectors(),
      }));
      const live = dead.flatMap((isDead, row) => (isDead ? [] : [row]));
      for (let first = 0; first < live.length; first += BATCH) {
        const rows = live.slice(first, first + BATCH);
        const batch = new Float32Array(rows.length * this.#dimension); // [rows, dimension]
        rows.forEach((row, i) =>
          batch.set(
            vectors.subarray(row * this.#dimension, (row + 1) * this.#dimension),
            i * this.#dimension,
          ),
        );
        yield {
          ids: rows.map((row) => ids[row]!),
          vectors: batch,
          metadata: rows.map((row) => metadata[row]!),
        };
      }
    }
  }

  close(): Promise<void> {
    return this.#queue.dispose(async () => {
      for (const { chunk } of this.#parts) await chunk.dispose();
      this.#parts = [];
      this.#slots.clear();
    });
  }

  /** Puts entries from `done` on into the last chunk, as many as it has room for. */
  async #append(batch: EntryBatch, done: number): Promise<number> {
    let part = this.#parts.at(-1);
    if (part === undefined || part.chunk.sealed) {
      const [dimension, capacity] = [this.#dimension, this.#capacity];
      const chunk = new Chunk({ backend: this.#backend, precision: this.#precision, dimension, capacity });
      part = { chunk, ids: [], metadata: [], dead: [], deadRows: 0 };
      this.#parts.push(part);
    }
    const base = (this.#parts.length - 1) * this.#capacity;
    const first = part.chunk.rows;
    const count = part.chunk.append(batch.vectors.subarray(done * this.#dimension));
    for (let i = 0; i < count; i++) {
      const id = batch.ids[done + i]!;
      this.#bury(id);
      this.#slots.set(id, base + first + i);
      part.ids.push(id);
      part.metadata.push(batch.metadata[done + i]!);
      part.dead.push(false);
    }
    if (part.chunk.rows === this.#capacity) await part.chunk.seal();
    return count;
  }

  /** Forgets an id, and marks its row. @returns whether there is one */
  #bury(id: string): boolean {
    const slot = this.#slots.get(id);
    if (slot === undefined) return false;
    this.#slots.delete(id);
    const part = this.#parts[Math.floor(slot / this.#capacity)]!;
    part.dead[slot % this.#capacity] = true;
    part.deadRows++;
    return true;
  }

  /** Makes chunks anew of which more than half is removed. */
  async #compact(): Promise<void> {
    for (const [index, part] of this.#parts.entries()) {
      if (part.deadRows * 2 <= part.ids.length) continue;
      const rows = part.ids.flatMap((_, row) => (part.dead[row] ? [] : [row]));
      await part.chunk.keep(rows);
      part.ids = rows.map((row) => part.ids[row]!);
      part.metadata = rows.map((row) => part.metadata[row]!);
      part.dead = rows.map(() => false);
      part.deadRows = 0;
      part.ids.forEach((id, row) => this.#slots.set(id, index * this.#capacity + row));
    }
  }

  /** @param vectors - [at most QUERY_ROWS, dimension] */
  async #nearest(
    vectors: Float32Array,
    { topK, filter }: QueryBatch,
    verdicts: readonly Uint8Array[],
  ): Promise<Hit[][]> {
    const count = vectors.length / this.#dimension;
    const coarse = this.#precision !== "float32";
    const k = Math.min(coarse ? topK * CANDIDATES : topK, this.#slots.size);
    if (k === 0) return Array.from({ length: count }, () => []);
    const best = Array.from({ length: count }, () => new TopK(k));
    for (const [index, { chunk, dead, metadata }] of this.#parts.entries()) {
      const verdict = verdicts[index]!;
      /** Whether a row may be found. Asked only for those that are near enough, and of the filter once. */
      const allowed = (row: number): boolean => {
        if (dead[row]) return false;
        if (filter.length === 0) return true;
        verdict[row] ||= matches(metadata[row]!, filter) ? 1 : 2;
        return verdict[row] === 1;
      };
      const base = index * this.#capacity;
      for (const { first, rows, data } of await chunk.scores(vectors)) {
        best.forEach((top, query) => {
          let threshold = top.threshold;
          for (let i = 0; i < rows; i++) {
            const score = data[query * rows + i]!;
            if (score <= threshold || !allowed(first + i)) continue;
            top.push(score, base + first + i);
            threshold = top.threshold;
          }
        });
      }
    }
    return best.map((top, query) => {
      const found = top.sorted().map(({ score, slot }) => {
        const { chunk, ids, metadata } = this.#parts[Math.floor(slot / this.#capacity)]!;
        const row = slot % this.#capacity;
        const vector = vectors.subarray(query * this.#dimension, (query + 1) * this.#dimension);
        const similarity = coarse ? chunk.exactScore(row, vector) : score;
        return { id: ids[row]!, similarity, metadata: metadata[row]! };
      });
      if (coarse) found.sort((a, b) => b.similarity - a.similarity);
      return found.slice(0, topK);
    });
  }
}
