/** @textower/ai-sdk: an encoder as an embedding model of the AI SDK. Importing does nothing. */
export { embeddingModel } from "./embedding-model.js";
export type { EmbeddingEncoder, EmbeddingModelOptions, LongText } from "./embedding-model.js";
