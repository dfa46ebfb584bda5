// The public surface of @textower/tokenizer.

export { clipVocabulary } from "./clip-vocabulary.js";
export { TextTooLongError, TokenizerOptionsError, VocabularyError } from "./errors.js";
export { vocabularyFromOpenAI } from "./loaders/openai.js";
export { vocabularyFromTokenizerJson } from "./loaders/tokenizer-json.js";
export { vocabularyFromVocabAndMerges } from "./loaders/vocab-and-merges.js";
export type { TokenizerOptions } from "./options.js";
export { createTokenizer } from "./tokenizer.js";
export type { DecodeOptions, EncodeOptions, Encoding, PaddedBatch, Tokenizer } from "./tokenizer.js";
export type { AddedToken, Cleaning, SpecialToken, Vocabulary } from "./vocabulary.js";
