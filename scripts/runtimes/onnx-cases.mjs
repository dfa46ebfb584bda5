/**
 * The conformance suite on the ONNX backend with onnxruntime-web's WebGPU provider, in a page. What comes out is plain
 * data. Imports built packages by path, as `cases.mjs` does.
 */
import { onnx, onnxTextModel } from "../../packages/backend-onnx/dist/index.js";
import { reference } from "../../packages/backend-reference/dist/index.js";
import {
  conformanceCases,
  difference,
  goldenCases,
  loadGolden,
} from "../../packages/conformance/dist/index.js";

/** Towers take many seconds each on a software adapter; these are left out, and what they consist of is not. */
const LEFT_OUT = /500 ragged prompts|head size 72|no projection|hidden states|context of 32/;

/**
 * Runs cases in a precision, and goes on after those that fail: ops, towers and the contract in float32, golden vectors
 * in both.
 * @param {object} ort - the module onnxruntime-web
 * @param {"float32" | "float16"} precision
 * @returns {Promise<{ device: string, ran: number, failures: string[] }>}
 */
export async function runOnnxCases(ort, precision) {
  const backend = onnx({ ort, executionProviders: ["webgpu"] });
  const outcome = { device: "", ran: 0, failures: [] };
  const watched = {
    ...backend,
    async compile(...args) {
      const executable = await backend.compile(...args);
      outcome.device = executable.info.device;
      return executable;
    },
  };
  const cases = precision === "float32" ? conformanceCases().filter(({ name }) => !LEFT_OUT.test(name)) : [];
  for (const each of [...cases, ...goldenCases(["micro", "tiny"])]) {
    outcome.ran++;
    try {
      await each.run({ backend: watched, reference: reference(), precision });
    } catch (error) {
      outcome.failures.push(`${each.name}: ${error}`);
    }
  }
  return outcome;
}

/**
 * Runs a text model, the micro golden tower with the published interface.
 * @returns {Promise<number>} largest |difference| to the golden embeddings
 */
export async function runOnnxTextModel(ort, bytes) {
  const golden = await loadGolden("micro");
  const model = await onnxTextModel(ort, bytes, { executionProviders: ["webgpu"] });
  const vectors = await model.encode(golden.tokens);
  await model.dispose();
  return difference(vectors, golden.embeddings.flat(), golden.descriptor.embedDim).maxAbs;
}
