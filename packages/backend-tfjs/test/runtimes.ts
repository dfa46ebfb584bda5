/** TensorFlow.js with the backends that Node has, as a user would hand it in. */
import * as tf from "@tensorflow/tfjs-core";

// Importing them is what registers them.
await Promise.all([import("@tensorflow/tfjs-backend-cpu"), import("@tensorflow/tfjs-backend-wasm")]);

export { tf };

/** Names of tfjs backends. */
export const runtimes = ["cpu", "wasm"] as const;

/** Makes a tfjs backend the active one. Throws if it does not start. */
export async function activate(name: (typeof runtimes)[number]): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`expected the tfjs backend ${name} to start`);
}
