/** The suite that every backend runs, on one driver, with each choice of kernels and in each precision. */
import { reference } from "@textower/backend-reference";
import { conformanceCases, GOLDEN_NAMES, goldenCases } from "@textower/conformance";
import { describe, test } from "vitest";
import { webgpu } from "../src/webgpu.js";
import type { InternalOptions } from "../src/webgpu.js";
import { openDevice } from "./adapters.js";
import type { Driver } from "./adapters.js";

/** Towers whose reference or whose software kernels take long are left to the faster driver. */
const SMALL = ["micro", "tiny", "tiny-gelu"] as const;

/** Registers the tests of a driver. */
export async function testDriver(
  driver: Driver,
  golden: readonly (typeof GOLDEN_NAMES)[number][] = SMALL,
): Promise<void> {
  const device = await openDevice(driver);
  describe.skipIf(device === undefined)(`${driver}${device === undefined ? " (not installed)" : ""}`, () => {
    const variants: [string, InternalOptions][] = [
      ["plain kernels", { kernels: "plain", features: false }],
      ["kernels for GPUs", { kernels: "gpu", features: false }],
      ["kernels for GPUs with subgroups and f16", { kernels: "gpu", features: true }],
    ];
    for (const [name, options] of variants) {
      for (const precision of ["float32", "float16", "int8"] as const) {
        describe(`${name}, ${precision}`, () => {
          const backend = webgpu({ device: device!, selfCheck: false, ...options } as InternalOptions);
          const subject = { backend, reference: reference(), precision };
          const towers = goldenCases(name === "plain kernels" ? golden : ["micro"]);
          for (const { name: what, run } of [...conformanceCases(), ...towers]) test(what, () => run(subject));
        });
      }
    }
  });
}
