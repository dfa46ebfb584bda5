/**
 * `EmbeddingIndex`: vectors with ids and metadata, and the nearest of them to queries, by cosine. It checks what comes
 * in; an engine keeps the vectors and searches them.
 *
 * Not here: making embeddings of images, reading files of embeddings, how vectors are kept (`engine.ts`).
 */
import { writeDump, readDump } from "./dump.js";
import type { EngineStore, EntryBatch, Hit, IndexLayout } from "./engine.js";
import { checkIds, plainMetadata, unitVectors } from "./entries.js";
import type { Vector } from "./entries.js";
import { SearchError } from "./errors.js";
import { exactEngine } from "./exact/engine.js";
import { parseFilter } from "./filter.js";
import type {
  AddBatchesOptions,
  Entry,
  IndexOptions,
  OriginOptions,
  QueryEncoder,
  SearchOptions,
  VectorBatch,
} from "./options.js";

/**
 * Opens an index: a new one, or what the engine has stored under its options.
 *
 * Rejects with RangeError for a dimension that is no positive integer, TypeError for no checkpoint, SearchError `width` or
 * `checkpoint` if what is stored was made for something else, or what the engine rejects with.
 * @example
 * const index = await openEmbeddingIndex({ dimension: 512, checkpoint: "openai/clip-vit-base-patch32" });
 * await index.add([{ id: "cat.jpg", vector, metadata: { album: "pets" } }]);
 */
export async function openEmbeddingIndex(options: IndexOptions): Promise<EmbeddingIndex> {
  const { dimension, checkpoint, engine = exactEngine() } = options;
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw new RangeError(`openEmbeddingIndex: expected a dimension of 1 or more, got ${dimension}`);
  }
  if (typeof checkpoint !== "string" || checkpoint === "") {
    throw new TypeError(
      `openEmbeddingIndex: expected the name of a checkpoint, got ${JSON.stringify(checkpoint)}`,
    );
  }
  const layout = { dimension, checkpoint };
  return new EmbeddingIndex(layout, engine.name, await engine.open(layout));
}

/** How an encoder calls its checkpoint: the last two parts of its path or address, which do not change from machine to machine. */
export function checkpointName(encoder: { readonly info: { readonly checkpoint: string } }): string {
  return encoder.info.checkpoint.split(/[?#]/, 1)[0]!.split(/[/\\]/).filter(Boolean).slice(-2).join("/");
}

/** See the file's head. Made by `openEmbeddingIndex`; holds memory, files or nothing, as its engine does, until `close`. */
export class EmbeddingIndex implements AsyncDisposable {
  readonly dimension: number;
  readonly checkpoint: string;
  /** Name of the engine. */
  readonly engine: string;
  readonly #store: EngineStore;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** @param store - an open engine, which the index closes; use `openEmbeddingIndex` */
  constructor({ dimension, checkpoint }: IndexLayout, engine: string, store: EngineStore) {
    this.dimension = dimension;
    this.checkpoint = checkpoint;
    this.engine = engine;
    this.#store = store;
  }

  /**
   * Adds entries; those whose id is known replace what had it. Nothing is added if one of them is bad.
   *
   * Rejects with SearchError `width`, `checkpoint`, `bad-vector`, `bad-entry`, `duplicate-id` or `closed`, or what the engine
   * rejects with.
   */
  async add(entries: readonly Entry[], { checkpoint }: OriginOptions = {}): Promise<void> {
    this.#checkOrigin("add", checkpoint);
    const ids = entries.map(({ id }) => id);
    await this.#addBatch(
      "add",
      ids,
      (i) => entries[i]!.vector,
      (i) => entries[i]!.metadata,
    );
  }

  /**
   * Adds what a reader of files yields, batch by batch, so that no more than one is in memory. A batch with a bad entry
   * is not added, nor what comes after it. Rejects as `add`, and with what the reader rejects with.
   * @returns how many vectors were added
   * @example await index.addBatches(readVectors("images.npy"), { checkpoint: "openai/clip-vit-base-patch32" });
   */
  async addBatches(
    batches: AsyncIterable<VectorBatch> | Iterable<VectorBatch>,
    options: AddBatchesOptions = {},
  ): Promise<number> {
    const { checkpoint, id: nameOf = String, signal, onProgress } = options;
    this.#checkOrigin("addBatches", checkpoint);
    let done = 0;
    signal?.throwIfAborted();
    for await (const { count, dimension, data, ids, metadata } of batches) {
      signal?.throwIfAborted();
      if (dimension !== this.dimension) {
        throw new SearchError(
          "width",
          `addBatches: expected vectors of width ${this.dimension}, got ${dimension}`,
        );
      }
      for (const [what, length, expected] of [
        ["numbers", data.length, count * dimension],
        ["ids", ids?.length ?? count, count],
        ["metadata", metadata?.length ?? count, count],
      ] as const) {
        if (length !== expected) {
          throw new RangeError(
            `addBatches: expected ${expected} ${what} for ${count} vectors, got ${length}`,
          );
        }
      }
      await this.#addBatch(
        "addBatches",
        ids ?? Array.from({ length: count }, (_, i) => nameOf(done + i)),
        (i) => data.subarray(i * dimension, (i + 1) * dimension),
        (i) => metadata?.[i],
      );
      done += count;
      onProgress?.({ done });
    }
    return done;
  }

  /** Removes entries; ids that are not there are none to worry about. @returns how many were there */
  async remove(ids: readonly string[]): Promise<number> {
    this.#checkOpen("remove");
    const unique = [...new Set(ids)];
    checkIds("remove", unique);
    return unique.length === 0 ? 0 : this.#track(this.#store.remove(unique));
  }

  /**
   * The nearest entries of each query, nearest first.
   *
   * Rejects with SearchError `width`, `checkpoint`, `bad-vector`, `bad-filter` or `closed`, RangeError for a `topK` that is no
   * positive integer, or what the engine rejects with.
   * @returns [queries][topK or fewer]
   * @example const [hits] = await index.search([vector], { topK: 5, filter: { album: "pets" } });
   */
  async search(queries: readonly Vector[], options: SearchOptions = {}): Promise<Hit[][]> {
    return this.#search("search", queries.length, (i) => queries[i]!, options);
  }

  /**
   * `search` for texts: the encoder makes a vector of each. It has to be of the index's checkpoint, or said to be.
   * @param options - `checkpoint`: what the encoder's is called in this index, if that is not `checkpointName(encoder)`
   * @example const [hits] = await index.searchText(encoder, ["a red circle"]);
   */
  async searchText(
    encoder: QueryEncoder,
    texts: readonly string[],
    options: SearchOptions = {},
  ): Promise<Hit[][]> {
    const { checkpoint = checkpointName(encoder), ...rest } = options;
    const { embedDim } = encoder.info;
    this.#checkOrigin("searchText", checkpoint);
    if (embedDim !== this.dimension) {
      throw new SearchError(
        "width",
        `searchText: expected an encoder of width ${this.dimension}, got ${embedDim} from ${encoder.info.checkpoint}`,
      );
    }
    const { data } =
      texts.length === 0 ? { data: new Float32Array(0) } : await encoder.encode(texts, { normalize: true });
    const vector = (i: number): Float32Array => data.subarray(i * embedDim, (i + 1) * embedDim);
    return this.#search("searchText", texts.length, vector, rest);
  }

  /** How many entries there are. */
  async count(): Promise<number> {
    this.#checkOpen("count");
    return this.#track(this.#store.count());
  }

  /**
   * Everything in the index as bytes, in pieces, for `load`, of this engine or another. See the README for the format.
   * Throws SearchError `unsupported` for an engine that cannot say what it has, as usearch cannot.
   * @example await writeFile("images.index", index.save());
   */
  async *save(): AsyncGenerator<Uint8Array> {
    this.#checkOpen("save");
    if (this.#store.entries === undefined) {
      throw new SearchError(
        "unsupported",
        `save: expected an engine that lists its entries, got ${this.engine}`,
      );
    }
    yield* writeDump(this, this.#store.entries());
  }

  /**
   * Adds what `save` has written. Rejects with SearchError `bad-file`, and `width` or `checkpoint` if it was saved from an index
   * of another kind. Bytes are read piece by piece: of a damaged file the part before the damage has been added.
   * @returns how many entries were added
   * @example await index.load(createReadStream("images.index"));
   */
  async load(bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
    this.#checkOpen("load");
    let done = 0;
    for await (const { ids, vectors, metadata } of readDump(this, bytes)) {
      const { dimension } = this;
      await this.#addBatch(
        "load",
        ids,
        (i) => vectors.subarray(i * dimension, (i + 1) * dimension),
        (i) => metadata[i],
      );
      done += ids.length;
    }
    return done;
  }

  /** Writes what an engine keeps in memory to the place that it was given; nothing to do for others. */
  async flush(): Promise<void> {
    this.#checkOpen("flush");
    await this.#track(this.#store.flush?.() ?? Promise.resolve());
  }

  /** Waits for what runs, flushes, and frees everything. Twice is harmless; anything else afterwards rejects with `closed`. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#running).then(() => this.#store.close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #addBatch(
    who: string,
    ids: readonly string[],
    vector: (index: number) => Vector,
    metadata: (index: number) => unknown,
  ): Promise<void> {
    this.#checkOpen(who);
    checkIds(who, ids);
    const batch: EntryBatch = {
      ids: [...ids],
      metadata: ids.map((id, i) => plainMetadata(who, metadata(i), id)),
      vectors: unitVectors(who, ids.length, this.dimension, vector, (i) => ids[i]!),
    };
    if (ids.length > 0) await this.#track(this.#store.add(batch));
  }

  async #search(
    who: string,
    count: number,
    vector: (index: number) => Vector,
    { topK = 10, filter = {}, checkpoint }: SearchOptions,
  ): Promise<Hit[][]> {
    this.#checkOrigin(who, checkpoint);
    if (!Number.isInteger(topK) || topK < 1) {
      throw new RangeError(`${who}: expected a topK of 1 or more, got ${topK}`);
    }
    const clauses = parseFilter(filter);
    const vectors = unitVectors(who, count, this.dimension, vector, (i) => `query ${i}`);
    return count === 0 ? [] : this.#track(this.#store.search({ count, vectors, topK, filter: clauses }));
  }

  #checkOrigin(who: string, checkpoint: string | undefined): void {
    this.#checkOpen(who);
    if (checkpoint !== undefined && checkpoint !== this.checkpoint) {
      throw new SearchError(
        "checkpoint",
        `${who}: expected vectors of ${this.checkpoint}, got some of ${checkpoint}`,
      );
    }
  }

  #checkOpen(who: string): void {
    if (this.#closing !== undefined) {
      throw new SearchError("closed", `${who}: expected an open index, got one that is closed`);
    }
  }

  /** Lets `close` wait for it. */
  async #track<T>(promise: Promise<T>): Promise<T> {
    this.#running.add(promise);
    try {
      return await promise;
    } finally {
      this.#running.delete(promise);
    }
  }
}
