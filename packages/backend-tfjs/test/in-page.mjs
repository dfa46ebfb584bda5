/**
 * The suite on TensorFlow.js in a page, on each backend that browsers have. Bundled by the test that opens the page.
 */
import { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { MathBackendWebGL } from "@tensorflow/tfjs-backend-webgl";
import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { reference } from "@textower/backend-reference";
import { conformanceCases, goldenCases } from "@textower/conformance";
import { tfjs } from "../dist/index.js";

/** Importing these is what registers them; they are named so that no bundler leaves them out. */
globalThis.tfjsBackends = [MathBackendCPU, MathBackendWebGL, WebGPUBackend];

/**
 * A software GPU takes a second or more to compile each of tfjs's kernels, and every shape has its own. Towers are left
 * out there but for the golden one, and of the sizes of each op all but three.
 */
const TOO_SLOW = /^tower: |\[(?:3|8|20|64|100|256)\]$/;

/**
 * Runs every case on one tfjs backend, and goes on after those that fail.
 * @param {string} name - of the tfjs backend
 * @returns {Promise<{ device: string, ran: number, failures: string[], left: number }>} `left`: tensors left behind
 */
globalThis.runTfjsCases = async (name) => {
  setWasmPaths("/tfjs-wasm/");
  if (!(await tf.setBackend(name)))
    return { device: "", ran: 0, failures: [`${name} does not start`], left: 0 };
  await tf.ready();
  const before = tf.memory().numTensors;
  const outcome = { device: "", ran: 0, failures: [], left: 0 };
  const backend = tfjs({ tf });
  const watched = {
    ...backend,
    compile: async (...args) => {
      const executable = await backend.compile(...args);
      outcome.device = executable.info.device;
      return executable;
    },
  };
  const isGpu = name.startsWith("webg");
  const cases = [...conformanceCases(), ...goldenCases(isGpu ? ["micro"] : ["micro", "tiny", "tiny-gelu"])];
  for (const each of cases.filter((each) => !isGpu || !TOO_SLOW.test(each.name))) {
    outcome.ran++;
    try {
      await each.run({ backend: watched, reference: reference() });
    } catch (error) {
      outcome.failures.push(`${each.name}: ${error}`);
    }
  }
  outcome.left = tf.memory().numTensors - before;
  return outcome;
};
