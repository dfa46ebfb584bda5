/** What `EmbeddingIndex` takes: options, entries, batches of files, encoders. Types only. */
import type { SearchEngine } from "./engine.js";
import type { Vector } from "./entries.js";
import type { Filter } from "./filter.js";

/** Options of `openEmbeddingIndex`. */
export interface IndexOptions {
  /** Numbers of a vector: 512 for ViT-B, 768 for ViT-L/14. */
  readonly dimension: number;
  /**
   * Which checkpoint the vectors come from, in any words that tell it from others: vectors of two checkpoints have
   * nothing to do with one another, even if they are equally wide. `checkpointName(encoder)` is how an encoder calls its own.
   */
  readonly checkpoint: string;
  /** What keeps the vectors. Default `exactEngine()`: in memory. */
  readonly engine?: SearchEngine;
}

/** An entry as it comes. */
export interface Entry {
  /** Not empty. An entry that has it already is replaced. */
  readonly id: string;
  /** Any length but 0: it is normalised. [dimension] */
  readonly vector: Vector;
  /** What JSON can say. Default: nothing. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Entries in one piece, as readers of files yield them. */
export interface VectorBatch {
  readonly count: number;
  readonly dimension: number;
  /** Of any length but 0. [count, dimension] */
  readonly data: Float32Array;
  /** Default: places in the whole, from 0, in decimal. */
  readonly ids?: readonly string[] | undefined;
  readonly metadata?: readonly Readonly<Record<string, unknown>>[] | undefined;
}

/** Options of `add`, and of `search`. */
export interface OriginOptions {
  /** Which checkpoint these vectors come from, to be compared with the index's. A vector does not say. */
  readonly checkpoint?: string;
}

/** Options of `addBatches`. */
export interface AddBatchesOptions extends OriginOptions {
  /** Makes the id of a vector that has none, from its place in the whole. Default: that in decimal. */
  readonly id?: (place: number) => string;
  /** Stops before the next batch; the promise rejects with the signal's reason. What was added stays. */
  readonly signal?: AbortSignal;
  /** Called after each batch with the vectors added so far. */
  readonly onProgress?: (progress: { readonly done: number }) => void;
}

/** Options of `search`. */
export interface SearchOptions extends OriginOptions {
  /** Hits for each query, if there are so many. Default 10. */
  readonly topK?: number;
  /** What metadata has to fulfil: `{ album: "pets", year: { gte: 2020 } }`. */
  readonly filter?: Filter;
}

/** What is needed of an encoder: `ClipTextEncoder` of `textower` has it, and so has its `TextModelEncoder`. */
export interface QueryEncoder {
  readonly info: { readonly checkpoint: string; readonly embedDim: number };
  encode(
    prompts: readonly string[],
    options: { readonly normalize: true },
  ): Promise<{
    /** [prompts, embedDim] */
    readonly data: Float32Array;
  }>;
}
