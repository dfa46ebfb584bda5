/** Our own encoder through its facade: texts in, vectors out, the tokenizer inside the measured time. */
import { onnx } from "@textower/backend-onnx";
import { wasm } from "@textower/backend-wasm";
import * as ortNode from "onnxruntime-node";
import { createTextEncoder } from "textower";

export const textowerWasm = ({ threads, checkpoint }) => contestant(wasm({ threads }), checkpoint, "float32");

export const textowerWasmInt8 = ({ threads, checkpoint }) =>
  contestant(wasm({ threads }), checkpoint, "int8");

/** On onnxruntime-node, as the peers are: the same kernels on weights laid out the same way, other rows. */
export const textowerOnnx = ({ threads, checkpoint }) =>
  contestant(
    onnx({ ort: ortNode, executionProviders: ["cpu"], threads, weights: "packed" }),
    checkpoint,
    "float32",
  );

export async function contestant(backend, model, precision) {
  const encoder = await createTextEncoder({ model, activation: "quick_gelu", backend, precision });
  const { device, threads, notes, maxRows } = encoder.info;
  return {
    runtime: `${device}, ${precision}, runs of at most ${maxRows} rows`,
    threads,
    notes,
    /** Batches are ours to make: the setting says nothing here. */
    prepare: (prompts) => ({ texts: prompts.map(({ text }) => text), rows: 0 }),
    async run(job) {
      const { embeddings, rows } = await encoder.encode(job.texts);
      job.rows = rows; // known when it is done: common beginnings count once
      return embeddings;
    },
    dispose: () => encoder.dispose(),
  };
}
