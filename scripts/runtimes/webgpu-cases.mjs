/**
 * The conformance suite on the WebGPU backend, in a page. What comes out is plain data. Imports built packages by path,
 * as `cases.mjs` does.
 */
import { reference } from "../../packages/backend-reference/dist/index.js";
import { webgpu } from "../../packages/backend-webgpu/dist/index.js";
import { conformanceCases, goldenCases } from "../../packages/conformance/dist/index.js";

/** What is run in float16 and int8: products of all kinds, and whole towers of the original through the golden vectors. */
const IN_LESS = /^op: (?:linear|mlp)/;

/**
 * Runs every case in float32 on one device, and goes on after those that fail; the golden ones with a device of the backend's own,
 * which checks itself.
 * @returns {Promise<{ ran: number, failures: string[] }>} the number of cases, and `name: error` for each that failed
 */
export async function runWebgpuCases() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return { ran: 0, failures: ["expected an adapter, got none"] };
  const device = await adapter.requestDevice();
  const outcome = { ran: 0, failures: [] };
  await run(outcome, conformanceCases(), webgpu({ device, selfCheck: false }));
  await run(outcome, goldenCases(["micro"]), webgpu());
  for (const precision of ["float16", "int8"]) {
    const cases = [
      ...conformanceCases().filter(({ name }) => IN_LESS.test(name)),
      ...goldenCases(["micro", "tiny"]),
    ];
    await run(outcome, cases, webgpu({ device, selfCheck: false }), precision);
  }
  device.destroy();
  return outcome;
}

/**
 * Runs the cases whose names match in every precision, and golden ones in float32, with a device of the backend's own,
 * which checks itself.
 * @returns as `runWebgpuCases`, with the name of the device
 */
export async function runPart(pattern, golden) {
  const outcome = { ran: 0, failures: [], device: undefined };
  const backend = webgpu();
  const watched = {
    ...backend,
    async compile(...asked) {
      const executable = await backend.compile(...asked);
      outcome.device = executable.info.device;
      return executable;
    },
  };
  const cases = conformanceCases().filter(({ name }) => pattern.test(name));
  for (const precision of ["float32", "float16", "int8"]) await run(outcome, cases, watched, precision);
  await run(outcome, goldenCases(golden), watched);
  return outcome;
}

async function run(outcome, cases, backend, precision = "float32") {
  for (const each of cases) {
    outcome.ran++;
    try {
      await each.run({ backend, reference: reference(), precision });
    } catch (error) {
      outcome.failures.push(`${each.name}, ${precision}: ${error}`);
    }
  }
}
