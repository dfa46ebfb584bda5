/** The classes of what an encoder may reject with. A module of its own, to be loaded when there is an error. */
import {
  BackendError,
  DeviceLostError,
  DisposedError,
  GraphError,
  InputError,
  RegistryError,
  TensorError,
  UnsupportedError,
} from "@textower/graph";
import { HubError } from "@textower/hub";
import { TextTooLongError, TokenizerOptionsError, VocabularyError } from "@textower/tokenizer";
import {
  ByteSourceError,
  CheckpointError,
  HttpError,
  MissingActivationError,
  PytorchError,
  SafetensorsError,
  TensorFileError,
} from "@textower/weights";
import { NumericalError, SetupError } from "../errors.js";
import { WorkerLostError } from "./errors.js";

/** By their names. */
export const ERROR_CLASSES: Readonly<Record<string, { readonly prototype: Error }>> = {
  BackendError,
  ByteSourceError,
  CheckpointError,
  DeviceLostError,
  DisposedError,
  GraphError,
  HttpError,
  HubError,
  InputError,
  MissingActivationError,
  NumericalError,
  PytorchError,
  RangeError,
  RegistryError,
  SafetensorsError,
  SetupError,
  TensorError,
  TensorFileError,
  TextTooLongError,
  TokenizerOptionsError,
  TypeError,
  UnsupportedError,
  VocabularyError,
  WorkerLostError,
};
