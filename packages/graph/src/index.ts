/** @textower/graph: tensors, ops as data, and the contract every backend implements. Importing does nothing. */
export {
  BackendError,
  DeviceLostError,
  DisposedError,
  GraphError,
  InputError,
  RegistryError,
  TensorError,
  UnsupportedError,
} from "./errors.js";
export {
  BYTES_PER_ELEMENT,
  elementCount,
  float16ToNumber,
  numberToFloat16,
  tensor,
  toFloat32,
} from "./tensor.js";
export type { DType, Int8Tensor, Tensor, TypedArrays } from "./tensor.js";
export type {
  AddNode,
  AttentionNode,
  Columns,
  ConcatNode,
  Dimension,
  GatherNode,
  GeluForm,
  GeluNode,
  Graph,
  InputNode,
  LayerNormNode,
  LinearNode,
  Node,
  NodeId,
  RowRange,
  ValueType,
  Visibility,
  WeightNode,
} from "./graph.js";
export { columns, GraphBuilder } from "./builder.js";
export type { AttentionArguments, ColumnsOf, Value } from "./builder.js";
export { verify } from "./verify.js";
export { fuse, neededNodes } from "./fusion/fuse.js";
export { attentionSources, stepOperands } from "./fusion/steps.js";
export type {
  AttentionStep,
  ConcatStep,
  ElementwiseStep,
  GatherStep,
  LayerNormStep,
  LinearStep,
  Step,
} from "./fusion/steps.js";
export { printGraph } from "./print.js";
export { bindShape, checkInputs } from "./inputs.js";
export type { Dimensions, Inputs } from "./inputs.js";
export { DEFAULT_MAX_ROWS, DEFAULT_PREFERRED_ROWS } from "./backend.js";
export type {
  Backend,
  CompileOptions,
  Executable,
  ExecutableInfo,
  Precision,
  Support,
  WeightSource,
} from "./backend.js";
export { backend, listBackends, registerBackend, unregisterBackend } from "./registry.js";
export { RunQueue } from "./run-queue.js";
