/** @textower/model: CLIP's text tower as a graph, and prompts as packed rows. Importing does nothing. */
export type { Activation, TextEncoderDescriptor } from "./descriptor.js";
export { architecture, listArchitectures } from "./families.js";
export type { Architecture } from "./families.js";
export { buildTextEncoder, keyValueNames } from "./text-encoder.js";
export type { TextEncoderOptions, TextEncoderOutput } from "./text-encoder.js";
export { packRows, packSegments, promptRows } from "./pack.js";
export type { PackedRows, PackOptions, TokenSequence } from "./pack.js";
export { planRuns } from "./plan.js";
export type { PlannedRun } from "./plan.js";
export { packAfter } from "./pack-after.js";
export type { FollowingRows, PastRows } from "./pack-after.js";
