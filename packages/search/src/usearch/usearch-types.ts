/** What is used of the package `usearch`, so that it is the user's own that is handed in. */

/** How numbers are kept: `ScalarKind` of usearch. */
export type UsearchQuantization = "f32" | "bf16" | "f16" | "i8";

/** `IndexConfig` of usearch. Its enums are declared by the package only. */
export interface UsearchConfig {
  readonly dimensions: number;
  readonly metric: never;
  readonly quantization: never;
  readonly connectivity: number;
  readonly expansion_add: number;
  readonly expansion_search: number;
  readonly multi: boolean;
}

/** Hits: `Matches` of usearch for one query, `BatchMatches` for several. */
export interface UsearchMatches {
  /** For several queries [queries, k], of which `counts` are filled. */
  readonly keys: BigUint64Array;
  readonly distances: Float32Array;
  readonly counts?: BigUint64Array;
}

/** `Index` of usearch. */
export interface UsearchIndex {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  search(vectors: Float32Array, k: number, threads: number): UsearchMatches;
  size(): number;
  dimensions(): number;
  save(path: string): void;
  load(path: string): void;
}

/** The package. */
export interface Usearch {
  readonly Index: new (config: UsearchConfig) => UsearchIndex;
}
