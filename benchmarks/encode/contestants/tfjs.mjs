/** Our own encoder on TensorFlow.js's wasm backend, whose kernels are XNNPACK's: what that runtime gives to packed rows. */
import * as tf from "@tensorflow/tfjs-core";
import { setThreadsCount } from "@tensorflow/tfjs-backend-wasm";
import { tfjs } from "@textower/backend-tfjs";
import { contestant } from "./textower.mjs";

export async function textowerTfjs({ threads, checkpoint }) {
  setThreadsCount(threads);
  await tf.setBackend("wasm");
  return contestant(tfjs({ tf }), checkpoint, "float32");
}
