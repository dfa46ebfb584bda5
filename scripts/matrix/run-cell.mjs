/**
 * Runs the suite on one backend in one precision, in whatever runtime this is: Node, Deno, Bun, a page. What comes out
 * is plain data.
 *
 * In a process: `run-cell.mjs BACKEND PRECISION` prints it as a line of JSON. Pages import it.
 */
import { reference } from "../../packages/backend-reference/dist/index.js";
import { wasm } from "../../packages/backend-wasm/dist/index.js";
import { webgpu } from "../../packages/backend-webgpu/dist/index.js";
import { conformanceCases, goldenCases } from "../../packages/conformance/dist/index.js";

/** Software GPUs compile for seconds what others do in milliseconds: there, towers but the golden one are left out. */
const TOO_SLOW = /^tower: |500|\[(?:3|8|20|100|256)\]$/;

/** Backend → how it is made, given a way to load packages that the repository has for its tests. */
const MAKERS = {
  reference: () => reference(),
  wasm: () => wasm(),
  webgpu: async (load) => {
    if (globalThis.navigator?.gpu !== undefined || load === undefined) return webgpu();
    const { create, globals } = await load("backend-webgpu", "webgpu");
    Object.assign(globalThis, globals);
    return webgpu({ gpu: create([]) });
  },
  "onnx, onnxruntime-node": async (load) => {
    const ort = await load("backend-onnx", "onnxruntime-node");
    const { onnx } = await import("../../packages/backend-onnx/dist/index.js");
    return onnx({ ort: ort.default ?? ort, executionProviders: ["cpu"] });
  },
  "onnx, onnxruntime-web": async (load) => {
    const ort = await load("backend-onnx", "onnxruntime-web");
    const { onnx } = await import("../../packages/backend-onnx/dist/index.js");
    return onnx({ ort: ort.default ?? ort, executionProviders: ["wasm"] });
  },
  "tfjs, cpu": (load) => tensorflow(load, "cpu"),
  "tfjs, wasm": (load) => tensorflow(load, "wasm"),
};

/** Names of backends. */
export const BACKENDS = Object.keys(MAKERS);

async function tensorflow(load, name) {
  const tf = await load("backend-tfjs", "@tensorflow/tfjs-core");
  await load("backend-tfjs", `@tensorflow/tfjs-backend-${name}`);
  const { tfjs } = await import("../../packages/backend-tfjs/dist/index.js");
  const module = tf.default ?? tf;
  if (!(await module.setBackend(name))) throw new Error(`tfjs does not start its backend ${name}`);
  return tfjs({ tf: module });
}

/**
 * @returns {Promise<{ passed: number, failed: number, failures: string[], reason?: string }>} `reason`: why nothing ran
 */
export async function runCell(name, precision, load) {
  const outcome = { passed: 0, failed: 0, failures: [] };
  let backend;
  try {
    backend = await MAKERS[name](load);
  } catch (error) {
    return { ...outcome, reason: String(error).split("\n")[0] };
  }
  const support = await backend.isSupported();
  if (!support.supported) return { ...outcome, reason: support.reason };
  const cases = [...conformanceCases(), ...goldenCases(name === "webgpu" ? ["micro"] : ["micro", "tiny"])];
  for (const each of cases.filter((each) => name !== "webgpu" || !TOO_SLOW.test(each.name))) {
    try {
      await each.run({ backend, reference: reference(), precision });
      outcome.passed++;
    } catch (error) {
      outcome.failed++;
      outcome.failures.push(`${each.name}: ${error}`);
    }
  }
  return outcome;
}

if (globalThis.process?.argv?.[1]?.endsWith("run-cell.mjs")) {
  const { createRequire } = await import("node:module");
  const { pathToFileURL } = await import("node:url");
  const load = (owner, name) => {
    const manifest = new URL(`../../packages/${owner}/package.json`, import.meta.url);
    return import(pathToFileURL(createRequire(manifest).resolve(name)).href);
  };
  const [backend, precision] = process.argv.slice(2);
  console.log(JSON.stringify(await runCell(backend, precision, load)));
  process.exit(0); // runtimes leave threads behind
}
