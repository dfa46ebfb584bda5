/** @textower/backend-onnx: the graph on ONNX Runtime, which the user brings, and as ONNX files. Importing does nothing. */
export { onnx } from "./onnx.js";
export type { OnnxOptions } from "./onnx.js";
export { exportOnnx, exportTextModel } from "./export.js";
export type { ExportedFile, ExportOptions, OnnxExport, RowsExport } from "./export.js";
export type { TextInterface } from "./lower-text.js";
export type { MaskInput } from "./lower.js";
export { buildMask } from "./mask.js";
export { onnxTextModel, OnnxModelError } from "./text-model.js";
export type { OnnxModelErrorCode, OnnxTextModel, OnnxTextModelOptions } from "./text-model.js";
export type {
  ExecutionProvider,
  OrtModule,
  OrtSession,
  OrtSessionOptions,
  OrtTensor,
  OrtValueMetadata,
} from "./ort.js";
