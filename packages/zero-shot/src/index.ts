/** @textower/zero-shot: classifiers from class names and prompt templates. Importing does nothing. */
export { buildZeroShotHead } from "./build.js";
export type { BuildOptions, PromptEncoder } from "./build.js";
export { ZeroShotError } from "./errors.js";
export type { ZeroShotErrorCode } from "./errors.js";
export { readZeroShotHead, writeZeroShotHead } from "./file.js";
export { ZeroShotHead } from "./head.js";
export type { BuildCost, ClassifyOptions, Prediction, Vector, ZeroShotHeadParts } from "./head.js";
export { MIXED_MEDIA_TEMPLATES, PHOTO_TEMPLATES, PLAIN_TEMPLATES } from "./templates.js";
