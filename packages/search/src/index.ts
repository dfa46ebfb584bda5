/** @textower/search: searches image embeddings by text or vectors. Importing does nothing. */
export { checkpointName, EmbeddingIndex, openEmbeddingIndex } from "./embedding-index.js";
export type {
  EngineStore,
  EntryBatch,
  Hit,
  IndexLayout,
  Json,
  Metadata,
  QueryBatch,
  SearchEngine,
} from "./engine.js";
export type { Vector } from "./entries.js";
export { SearchError } from "./errors.js";
export type { SearchErrorCode } from "./errors.js";
export { exactEngine } from "./exact/engine.js";
export type { ExactEngineOptions } from "./exact/engine.js";
export { matches } from "./filter.js";
export type { Clause, Comparison, Condition, Filter, Scalar } from "./filter.js";
export type {
  AddBatchesOptions,
  Entry,
  IndexOptions,
  OriginOptions,
  QueryEncoder,
  SearchOptions,
  VectorBatch,
} from "./options.js";
