/** textower/worker: an encoder on another thread. Importing does nothing. */
export { SupersededError, WorkerLostError } from "./errors.js";
export type { TextEncoderWorker } from "./host.js";
export { serveTextEncoder } from "./serve.js";
export type { ServedPort, ServeOptions } from "./serve.js";
export { createWorkerTextEncoder } from "./worker-text-encoder.js";
export type {
  WorkerEncodeOptions,
  WorkerTextEncoder,
  WorkerTextEncoderOptions,
} from "./worker-text-encoder.js";
