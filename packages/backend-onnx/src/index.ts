/** @textower/backend-onnx: the graph on ONNX Runtime, which the user brings. Importing does nothing. */
export { onnx } from "./onnx.js";
export type { OnnxOptions } from "./onnx.js";
export type { ExecutionProvider, OrtModule, OrtSession, OrtSessionOptions, OrtTensor } from "./ort.js";
