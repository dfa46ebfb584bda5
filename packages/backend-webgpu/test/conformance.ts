/** The suite that every backend runs, on one driver, with each choice of kernels and in each precision. */
import { reference } from "@textower/backend-reference";
import { conformanceCases, goldenCases } from "@textower/conformance";
import type { Precision } from "@textower/graph";
import { describe, test } from "vitest";
import { webgpu } from "../src/webgpu.js";
import type { InternalOptions } from "../src/webgpu.js";
import { openDevice } from "./adapters.js";
import type { Driver } from "./adapters.js";

/**
 * What is run on each choice of kernels. SwiftShader takes seconds to compile a kernel with workgroup memory, so the
 * kernels for GPUs run on a part: every op at widths that end within a quad, a tile and a workgroup, and golden vectors.
 */
const PART =
  /^op: (gather|concat|add|layerNorm) \[(7|100|256)\]$|^op: linear (33|20|256) |^op: (gelu|attention)|^golden: micro|prefix/;

/** Choices of kernels, and the cases that each runs. */
const VARIANTS: readonly [name: string, options: InternalOptions, precision: Precision, cases: RegExp][] = [
  ["plain kernels", { kernels: "plain", features: false }, "float32", /./],
  ["plain kernels", { kernels: "plain", features: false }, "float16", PART],
  ["plain kernels", { kernels: "plain", features: false }, "int8", PART],
  ["kernels for GPUs", { kernels: "gpu", features: false }, "float32", PART],
  [
    "kernels for GPUs with all features",
    { kernels: "gpu", features: true },
    "float16",
    /^op: linear 20|^op: layerNorm \[(7|256)|micro/,
  ],
];

/** Registers the tests of a driver. */
export async function testDriver(driver: Driver): Promise<void> {
  const device = await openDevice(driver);
  describe.skipIf(device === undefined)(`${driver}${device === undefined ? " (not installed)" : ""}`, () => {
    const all = [...conformanceCases(), ...goldenCases(["micro", "tiny", "tiny-gelu"])];
    for (const [name, options, precision, cases] of VARIANTS) {
      describe(`${name}, ${precision}`, () => {
        const backend = webgpu({ device: device!, selfCheck: false, ...options } as InternalOptions);
        const subject = { backend, reference: reference(), precision };
        for (const { name: what, run } of all) if (cases.test(what)) test(what, () => run(subject));
      });
    }
  });
}
