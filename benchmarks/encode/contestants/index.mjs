/**
 * Everyone who takes part, by name. A contestant is made for a number of threads and then has
 * `prepare(prompts, setting)`, not measured, and `run(job)`, measured: one vector per prompt, of any length. `job.rows`
 * is the number of rows that go through the tower, known after a run.
 */
// onnxruntime-node comes before onnxruntime-web: in one process the first to register as "cpu" keeps the name.
import { onnxruntimeNode } from "./onnxruntime-node.mjs";
import { onnxruntimeWeb } from "./onnxruntime-web.mjs";
import { textowerOnnx, textowerWasm, textowerWasmInt8 } from "./textower.mjs";
import { textowerTfjs } from "./tfjs.mjs";
import { transformersNode, transformersWeb } from "./transformers.mjs";

export const makers = {
  "textower-wasm": textowerWasm,
  "textower-wasm-int8": textowerWasmInt8,
  "textower-onnx": textowerOnnx,
  "textower-tfjs": textowerTfjs,
  "onnxruntime-web": onnxruntimeWeb,
  "transformers-web": transformersWeb,
  "onnxruntime-node": onnxruntimeNode,
  "transformers-node": transformersNode,
};

/** Those that ratios are counted from. */
export const ours = ["textower-wasm", "textower-onnx"];
