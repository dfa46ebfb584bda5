/**
 * The conformance suite on the WebGPU backend, in a page. What comes out is plain data. Imports built packages by path,
 * as `cases.mjs` does.
 */
import { reference } from "../../packages/backend-reference/dist/index.js";
import { webgpu } from "../../packages/backend-webgpu/dist/index.js";
import { GraphBuilder } from "../../packages/graph/dist/index.js";
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
 * Runs the cases whose names match in every precision, and golden ones in float32. Devices are the backend's own, one for all
 * cases of a kind, which do not check themselves: that would compile more than the cases do.
 * @returns as `runWebgpuCases`, with the name of the device
 */
export async function runPart(pattern, golden) {
  const outcome = { ran: 0, failures: [], device: undefined };
  const backend = webgpu({ selfCheck: false });
  const holding = await backend.compile(...smallest()); // a device, and the shaders on it, for as long as it lives
  outcome.device = holding.info.device;
  const cases = conformanceCases().filter(({ name }) => pattern.test(name));
  for (const precision of ["float32", "float16", "int8"]) await run(outcome, cases, backend, precision);
  await run(outcome, goldenCases(golden), backend);
  await holding.dispose();
  return outcome;
}

/** A graph that adds its input to itself, and no weights. */
function smallest() {
  const builder = new GraphBuilder();
  const x = builder.input("x", "float32", ["rows", 4]);
  return [builder.build({ y: builder.add(x, x) }), { read: () => Promise.reject(new Error("no weights")) }];
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
