/** @textower/server: an encoder as a server, and batching across calls. Importing does nothing. */
export { BatchingEncoder } from "./batching-encoder.js";
export type {
  BatchedEncodeOptions,
  BatchedEncodeResult,
  BatchingOptions,
  BatchReport,
  QueueDepth,
} from "./batching.js";
export type { LongText, Prompt, PromptEncoder, PromptTokenizer, PromptTokens } from "./encoder.js";
export { CallTooLargeError, PromptError, QueueClosedError, QueueFullError } from "./errors.js";
export { createEmbeddingServer } from "./server.js";
export type { CloseOptions, EmbeddingServer, EmbeddingServerOptions, ListenOptions } from "./server.js";
