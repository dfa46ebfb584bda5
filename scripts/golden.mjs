/**
 * The golden vectors on the reference backend, full-size towers included. Plain loops: minutes and up to 1.5 GB for the
 * largest. After a build:
 *
 *   node scripts/golden.mjs [reference|onnx|wasm] [configuration …]
 */
import { GOLDEN_NAMES, goldenCases } from "../packages/conformance/dist/index.js";
import { reference } from "../packages/backend-reference/dist/index.js";

const [which = "reference", ...chosen] = process.argv.slice(2);
const backend = await makeBackend(which);
let failed = 0;
for (const { name, run } of goldenCases(chosen.length > 0 ? chosen : GOLDEN_NAMES)) {
  const begin = performance.now();
  try {
    await run({ backend, reference: reference() });
    console.log(`ok      ${name} on ${which}, ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name} on ${which}: ${error.message}`);
  }
}
process.exitCode = failed > 0 ? 1 : 0;

async function makeBackend(name) {
  if (name === "reference") return reference();
  if (name === "wasm") return (await import("../packages/backend-wasm/dist/index.js")).wasm();
  const { onnx } = await import("../packages/backend-onnx/dist/index.js");
  const { createRequire } = await import("node:module");
  const ort = createRequire(new URL("../packages/backend-onnx/package.json", import.meta.url))(
    "onnxruntime-node",
  );
  return onnx({ ort });
}
