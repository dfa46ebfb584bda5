/** @textower/backend-tfjs: the graph on TensorFlow.js, which the user brings. Importing does nothing. */
export { tfjs } from "./tfjs.js";
export type { TfjsBackend, TfjsOptions } from "./tfjs.js";
export { encodeToTensor } from "./encode-to-tensor.js";
export type { EncodeToTensorOptions, LongTextOptions, RunPlanner } from "./encode-to-tensor.js";
export type { TfjsExecutable, TfjsInputs } from "./executable.js";
