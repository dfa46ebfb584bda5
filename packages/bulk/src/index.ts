/** @textower/bulk: files of captions to files of vectors. Importing does nothing. */
export { embedFile } from "./embed-file.js";
export type { EmbedFileOptions, EmbedSummary } from "./embed-file.js";
export type { BulkOptions } from "./job.js";
export { CAPTION_FORMATS } from "./captions/caption-file.js";
export type { CaptionFormat } from "./captions/caption-file.js";
export { LONG_TEXT_POLICIES } from "./encoder.js";
export type { BulkEncoder, LongTextPolicy } from "./encoder.js";
export { EMPTY_TEXT_POLICIES } from "./plan.js";
export type { EmptyTextPolicy } from "./plan.js";
export type { BulkProgress } from "./progress.js";
export { BulkError } from "./errors.js";
export type { BulkErrorCode } from "./errors.js";
