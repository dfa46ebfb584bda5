/** @textower/prompts: work on prompts by their embeddings and tokens. Importing does nothing. */
export { lerp, mix, slerp, without } from "./arithmetic.js";
export { PromptsError } from "./errors.js";
export type { PromptsErrorCode } from "./errors.js";
export { quote } from "./quote.js";
export { renderSimilarityMatrix, similarityMatrix } from "./similarity-matrix.js";
export type { SimilarityMatrix } from "./similarity-matrix.js";
export type { Span } from "./spans.js";
export { renderTokenView, tokenView } from "./token-view.js";
export type { TokenView, ViewedToken, ViewedWord, ViewTokenizer } from "./token-view.js";
export { buildWordHead, nearestWords, vocabularyWords } from "./words.js";
export type { NearWord, WordHeadOptions, WordTokenizer } from "./words.js";
