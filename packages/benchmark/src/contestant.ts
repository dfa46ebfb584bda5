/** One way to run the model: a backend in a precision. */
import type { Backend, Precision } from "@textower/graph";

/** See the file's head. */
export interface Contestant {
  /** "wasm", "wasm int8", "onnx on onnxruntime-web, wasm" */
  readonly name: string;
  readonly backend: Backend;
  readonly precision: Precision;
  /** Gzipped bytes of code that a page loads for it. */
  readonly downloadBytes?: number;
  /** Called before each of its turns, for runtimes that are one at a time. */
  readonly activate?: () => Promise<void>;
}

/** One that cannot take part here. */
export interface Absentee {
  readonly name: string;
  /** In words for a user. */
  readonly reason: string;
}
