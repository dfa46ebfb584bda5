/** @textower/langchain: an encoder as embeddings for LangChain. Importing does nothing. */
export { TextowerEmbeddings } from "./embeddings.js";
export type { EmbeddingEncoder, LongText, TextowerEmbeddingsOptions } from "./embeddings.js";
