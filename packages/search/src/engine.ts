/**
 * The contract between `EmbeddingIndex` and whatever keeps the vectors. An engine never sees bad input: the index has
 * checked ids, metadata, widths and filters, and vectors have length 1, so that their dot product is their cosine.
 */
import type { Clause } from "./filter.js";

/** What JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What belongs to a vector beside its id. Filters see its own keys whose values are text, numbers, booleans or null. */
export type Metadata = Readonly<Record<string, Json>>;

/** What an index is for. */
export interface IndexLayout {
  /** Numbers of a vector. */
  readonly dimension: number;
  /** Which checkpoint all its vectors come from. */
  readonly checkpoint: string;
}

/** Entries in one piece. No id stands in it twice. */
export interface EntryBatch {
  readonly ids: readonly string[];
  /** Of length 1. [ids, dimension] */
  readonly vectors: Float32Array;
  /** One for each id. */
  readonly metadata: readonly Metadata[];
}

/** Queries in one piece. */
export interface QueryBatch {
  /** At least 1. */
  readonly count: number;
  /** Of length 1. [count, dimension] */
  readonly vectors: Float32Array;
  /** Hits to return for each query, if there are so many. At least 1. */
  readonly topK: number;
  /** What the metadata of a hit has to fulfil: all of these. Empty: everything is looked at. */
  readonly filter: readonly Clause[];
}

/** An entry that was found. */
export interface Hit {
  readonly id: string;
  /** Cosine of the entry's vector and the query's, −1 … 1. */
  readonly similarity: number;
  readonly metadata: Metadata;
}

/** Something that keeps vectors and finds the nearest. Making one is cheap and does nothing; the work begins with `open`. */
export interface SearchEngine {
  /** Short and lower-case, for messages. */
  readonly name: string;
  /**
   * Opens what is stored under this engine's options, or begins anew.
   * Rejects with SearchError `width` or `checkpoint` if what is stored was made for something else; nothing stays open then.
   */
  open(layout: IndexLayout): Promise<EngineStore>;
}

/** An open engine. Calls may overlap; one that was made after another has settled sees what that one did. */
export interface EngineStore {
  /** Takes over entries: copies what it keeps. One whose id is known replaces what had that id. */
  add(batch: EntryBatch): Promise<void>;
  /** @returns how many of these ids were there */
  remove(ids: readonly string[]): Promise<number>;
  /**
   * The nearest entries of each query, nearest first. An engine that is approximate may miss some of the nearest, but
   * returns `topK` of them wherever so many fulfil the filter.
   * @returns [count][topK or fewer]
   */
  search(queries: QueryBatch): Promise<Hit[][]>;
  /** How many entries there are. */
  count(): Promise<number>;
  /** All entries, batch by batch, in any order; absent where an engine cannot say. Adding meanwhile may or may not be seen. */
  entries?(): AsyncIterable<EntryBatch>;
  /** Writes to its place what is kept in memory only; absent where nothing is, or there is no place. */
  flush?(): Promise<void>;
  /** Ends what runs, flushes, and frees everything that the engine itself has opened. Called once. */
  close(): Promise<void>;
}
