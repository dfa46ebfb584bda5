/**
 * `measure.mjs` in Node, on Dawn: our backend, onnxruntime-web's WebGPU provider and TensorFlow.js's, all on Dawn's globals.
 *
 *   VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json node webgpu/dawn.mjs [--model small] [--json FILE] …
 *
 * Options are `DEFAULTS` of `measure.mjs`, but that onnxruntime-web is asked for with `--contestants textower,tfjs,onnxruntime`: its
 * first run has not been seen to return on a software adapter here. Without VK_ICD_FILENAMES Dawn takes the machine's own GPU, if it has one.
 */
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { create, globals } from "webgpu";
import { DEFAULTS, measure } from "./measure.mjs";

const entries = Object.entries({ ...DEFAULTS, contestants: "textower,tfjs" }).map(([name, value]) => [
  name,
  { type: "string", default: value },
]);
const { values } = parseArgs({ options: { ...Object.fromEntries(entries), json: { type: "string" } } });
const { json, ...settings } = values;
const wanted = (name) => settings.contestants.split(",").includes(name);

Object.assign(globalThis, globals);
// Dawn rounds timestamps, as browsers do, unless it is told not to.
const gpu = create(["disable-dawn-features=timestamp_quantization"]);
globalThis.navigator ??= {}; // Node 20 has none
Object.defineProperty(globalThis.navigator, "gpu", { value: gpu });

const report = await measure(settings, {
  gpu,
  tf: wanted("tfjs") ? await loadTensorflow() : undefined,
  ort: wanted("onnxruntime") ? await loadOnnxruntime() : undefined,
  where: `Node ${process.versions.node}, Dawn`,
  say: (line) => console.log(line),
});
if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
process.exit(0); // Dawn's instance, and what onnxruntime-web has started, keep the process alive

async function loadTensorflow() {
  const tf = await import("@tensorflow/tfjs-core");
  await import("@tensorflow/tfjs-backend-webgpu");
  return tf;
}

/**
 * The build for pages: the one for Node has no WebGPU. Its memory is shared between threads, which Dawn's `writeBuffer`
 * does not take: it is handed copies.
 */
async function loadOnnxruntime() {
  const { prototype } = GPUQueue;
  const { writeBuffer } = prototype;
  prototype.writeBuffer = function (buffer, at, data, begin = 0, size = undefined) {
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    const unit = data.BYTES_PER_ELEMENT ?? 1;
    const end = size === undefined ? bytes.length : (begin + size) * unit;
    const isShared = bytes.buffer instanceof SharedArrayBuffer;
    writeBuffer.call(this, buffer, at, bytes[isShared ? "slice" : "subarray"](begin * unit, end));
  };
  const folder = pathToFileURL(dirname(createRequire(import.meta.url).resolve("onnxruntime-web"))).href;
  const ort = await import(`${folder}/ort.bundle.min.mjs`);
  ort.env.wasm.wasmPaths = `${folder}/`;
  ort.env.wasm.numThreads = 1;
  return ort;
}
