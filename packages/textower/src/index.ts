/** textower: CLIP text features, with the backend of your choice. Importing does nothing. */
export { createTextEncoder } from "./create.js";
export type { TextEncoderOptions } from "./create.js";
export type {
  ClipTextEncoder,
  Encoded,
  EncodeOptions,
  EncodeResult,
  EncoderInfo,
  Prompt,
  ReadyRun,
} from "./encoder.js";
export { NumericalError, SetupError } from "./errors.js";
export type { LongText, LongTextOptions } from "./long-text.js";
export { locateModel } from "./model-source.js";
export type { LocatedModel, ModelSource, OpenModelOptions } from "./model-source.js";
export type { PrefixCacheInfo } from "./prefix-cache.js";
export type { TextModel } from "./text-model.js";
export type {
  TextModelEncoder,
  TextModelEncoderInfo,
  TextModelEncoderOptions,
} from "./text-model-encoder.js";
export { similarity } from "./similarity.js";
export type { Vector } from "./similarity.js";
export { backend, listBackends, registerBackend, unregisterBackend } from "@textower/graph";
