/** @textower/weights: opens CLIP checkpoints and yields their text tensors lazily. Importing does nothing. */
export { convertCheckpoint } from "./checkpoint/convert.js";
export type { Conversion } from "./checkpoint/convert.js";
export { inspectCheckpoint, openCheckpoint } from "./checkpoint/open.js";
export type { Checkpoint, CheckpointInspection, OpenCheckpointOptions } from "./checkpoint/open.js";
export type { CheckpointSource } from "./checkpoint/locate.js";
export type {
  Activation,
  CheckpointDescriptor,
  DescriptorOptions,
  DescriptorOrigins,
  PartialDescriptor,
  Pooling,
} from "./checkpoint/descriptor.js";
export type { Naming } from "./checkpoint/schemes.js";
export type { RowSource } from "./checkpoint/row-source.js";
export { CheckpointError, MissingActivationError } from "./checkpoint/errors.js";
export type { CheckpointErrorCode } from "./checkpoint/errors.js";

export { openTensorFile } from "./open-tensor-file.js";
export { readTensor, TensorFileError } from "./tensor-file.js";
export type { TensorEntry, TensorFile, TensorFileErrorCode } from "./tensor-file.js";

export { openSafetensors } from "./safetensors/read.js";
export { safetensorsHeader, writeSafetensors } from "./safetensors/write.js";
export type { SafetensorsHeader, StoredTensor, TensorDeclaration } from "./safetensors/write.js";
export type { SafetensorsDtype } from "./safetensors/dtypes.js";
export { SafetensorsError } from "./safetensors/errors.js";
export type { SafetensorsErrorCode } from "./safetensors/errors.js";

export { PytorchError } from "./pytorch/errors.js";
export type { PytorchErrorCode } from "./pytorch/errors.js";

export { openSharded } from "./sharded.js";
export type { ShardedOptions } from "./sharded.js";

export { blobSource } from "./sources/blob.js";
export { bufferSource } from "./sources/buffer.js";
export { fileSource } from "./sources/file.js";
export { httpSource } from "./sources/http.js";
export type { HttpSourceOptions } from "./sources/http.js";
export { ByteSourceError, HttpError } from "./sources/byte-source.js";
export type { ByteSource, ByteSourceErrorCode, HttpErrorCode } from "./sources/byte-source.js";
export {
  directoryCollection,
  filesCollection,
  handleCollection,
  urlCollection,
} from "./sources/collections.js";
export type { DirectoryHandle } from "./sources/collections.js";
export type { FileCollection } from "./sources/file-collection.js";
