/**
 * The cells of the matrix: which backend is run in which runtime, in which precision, and which tests do it. CI covers
 * every cell of this list; `scripts/test.mjs` holds the reports against it, so that a cell cannot turn into a skip, or
 * vanish, without anybody noticing.
 */

/** Node that runs the tests first, and the one that runs them again. */
export const FIRST_NODE = "Node 20";
export const SECOND_NODE = "Node 24";

const packages = (name) => new RegExp(`packages/${name}/test/`);
const runtimes = (name) => new RegExp(`scripts/runtimes/${name}\\.test`);
const PRECISIONS = ["float32", "float16", "int8"];

/** Cells of a backend's own tests, which both Nodes run. */
function inNode(backend, files, titles) {
  return Object.entries(titles).flatMap(([precision, title]) =>
    [FIRST_NODE, SECOND_NODE].map((runtime) => ({ backend, runtime, precision, files, title, on: runtime })),
  );
}

/** Cells of the WASM suite in another runtime, which runs once. */
function wasmIn(runtime, file, within) {
  const titles = { float32: "(?:plain|relaxed|threaded)", float16: "float16", int8: "int8" };
  return PRECISIONS.map((precision) => ({
    backend: "wasm",
    runtime,
    precision,
    files: runtimes(file),
    title: new RegExp(`${within}.*${titles[precision]}`),
    on: FIRST_NODE,
  }));
}

/** Cells of one test in Chromium. */
function inChromium(backend, precision, file, title) {
  const runtime = "Chromium";
  return { backend, runtime, precision, files: runtimes(file), title, on: FIRST_NODE };
}

/**
 * `files` and `title`: tests that belong to the cell, by path and full name; `on`: the Node whose report has them.
 * @type {readonly { backend: string, runtime: string, precision: string, files: RegExp, title: RegExp, on: string }[]}
 */
export const CI_CELLS = [
  ...inNode("wasm", packages("backend-wasm"), {
    float32: /(?:op|tower|golden): /,
    float16: /float16/,
    int8: /int8/,
  }),
  ...inNode("onnx, onnxruntime-node", packages("backend-onnx"), {
    float32: /onnxruntime-node.*(?:op|tower|golden): /,
    float16: /onnxruntime-node.*float16/,
  }),
  ...inNode("onnx, onnxruntime-web", packages("backend-onnx"), {
    float32: /onnxruntime-web.*(?:op|tower|golden): /,
    float16: /onnxruntime-web.*float16/,
  }),
  ...inNode("tfjs, cpu", packages("backend-tfjs"), { float32: /cpu.*(?:op|tower|golden): / }),
  ...inNode("tfjs, wasm", packages("backend-tfjs"), { float32: /wasm.*(?:op|tower|golden): / }),
  ...inNode("tfjs, webgpu", packages("backend-tfjs"), { float32: /webgpu.*(?:op|golden): / }),
  ...inNode("webgpu", packages("backend-webgpu"), {
    float32: /float32/,
    float16: /float16/,
    int8: /int8/,
  }),
  ...wasmIn("Chromium, isolated", "chromium", "Chromium isolated"),
  ...wasmIn("Chromium, not isolated", "chromium", "Chromium not isolated"),
  ...wasmIn("Deno", "deno-and-bun", "Deno"),
  ...wasmIn("Bun", "deno-and-bun", "Bun"),
  {
    backend: "wasm",
    runtime: "workerd",
    precision: "float32",
    files: runtimes("workerd"),
    title: /encodes as the reference/,
    on: FIRST_NODE,
  },
  inChromium("webgpu", "float32", "chromium-webgpu", /Chromium, WebGPU/),
  { ...inChromium("webgpu", "float32", "deno-webgpu", /Deno, WebGPU/), runtime: "Deno" },
  inChromium("onnx, onnxruntime-web on WebGPU", "float32", "chromium-onnx", /float32/),
  inChromium("onnx, onnxruntime-web on WebGPU", "float16", "chromium-onnx", /float16/),
  inChromium("tfjs, cpu", "float32", "chromium-tfjs", /cpu conforms/),
  inChromium("tfjs, wasm", "float32", "chromium-tfjs", /wasm conforms/),
  inChromium("tfjs, webgl", "float32", "chromium-tfjs", /webgl conforms/),
  inChromium("tfjs, webgpu", "float32", "chromium-tfjs", /webgpu conforms/),
];

/**
 * What became of each cell.
 * @param {readonly { label: string, tests: readonly { file: string, name: string, status: string }[] }[]} reports -
 *   of each Node that ran the tests
 * @returns cells with `passed`, `skipped`, `failed`: numbers of tests
 */
export function judge(reports) {
  return CI_CELLS.map((cell) => {
    const tests = reports
      .filter(({ label }) => label === cell.on)
      .flatMap(({ tests }) => tests)
      .filter(({ file, name }) => cell.files.test(file) && cell.title.test(name));
    const count = (status) => tests.filter((each) => each.status === status).length;
    const [passed, failed] = [count("passed"), count("failed")];
    return { ...cell, passed, failed, skipped: tests.length - passed - failed };
  });
}
