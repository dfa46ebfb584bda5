/** The suite that every backend runs, on one driver, with each choice of kernels and in each precision. */
import { reference } from "@textower/backend-reference";
import { conformanceCases, difference, goldenCases } from "@textower/conformance";
import { GraphBuilder, tensor } from "@textower/graph";
import type { Backend, Precision } from "@textower/graph";
import { describe, expect, test } from "vitest";
import { webgpu } from "../src/webgpu.js";
import type { InternalOptions } from "../src/webgpu.js";
import { DRIVERS, openDevice } from "./adapters.js";
import type { Driver } from "./adapters.js";

/**
 * What is run on each choice of kernels. SwiftShader takes seconds to compile a kernel with workgroup memory, so the
 * kernels for GPUs run on a part: every op at widths that end within a quad, a tile and a workgroup, and golden vectors.
 */
const PART =
  /^op: (gather|concat|add|layerNorm) \[(7|100|256)\]$|^op: linear (33|20|256) |^op: (gelu|attention)|^golden: micro|prefix/;

/** A choice of kernels, and the cases that it runs. */
interface Variant {
  readonly name: string;
  readonly options: InternalOptions;
  readonly precision: Precision;
  readonly cases: RegExp;
}

const PLAIN: InternalOptions = { kernels: "plain", features: false };
/** As software adapters are used, with features. */
const AUTOMATIC: InternalOptions = { kernels: "auto", features: true };
/** lavapipe compiles every kernel for seconds: one op of each kind, and golden vectors in the precision that only it has a feature for. */
const FEW = /^op: (linear 20 |layerNorm \[7\]|attention 24 in 3 heads, ancestors)/;
const FEW_AND_GOLDEN = new RegExp(`${FEW.source}|^golden: micro`);

const VARIANTS: Record<Driver, readonly Variant[]> = {
  swiftshader: [
    { name: "plain kernels", options: PLAIN, precision: "float32", cases: /./ },
    { name: "plain kernels", options: PLAIN, precision: "float16", cases: PART },
    { name: "plain kernels", options: PLAIN, precision: "int8", cases: PART },
    {
      name: "kernels for GPUs",
      options: { kernels: "gpu", features: false },
      precision: "float32",
      cases: PART,
    },
    {
      name: "kernels for GPUs with all features",
      options: { kernels: "gpu", features: true },
      precision: "float16",
      cases: /^op: linear 20|^op: layerNorm \[(7|256)|micro/,
    },
  ],
  lavapipe: [
    { name: "plain kernels", options: AUTOMATIC, precision: "float32", cases: FEW },
    {
      name: "plain kernels with shader-f16",
      options: AUTOMATIC,
      precision: "float16",
      cases: FEW_AND_GOLDEN,
    },
    { name: "plain kernels", options: AUTOMATIC, precision: "int8", cases: FEW },
  ],
};

/** Registers the tests of a driver. */
export async function testDriver(driver: Driver): Promise<void> {
  const device = await openDevice(driver);
  const title = device === undefined ? `${driver} (skipped: ${DRIVERS[driver].remedy})` : driver;
  describe.skipIf(device === undefined)(title, () => {
    const all = [...conformanceCases(), ...goldenCases(["micro", "tiny", "tiny-gelu"])];
    for (const { name, options, precision, cases } of VARIANTS[driver]) {
      describe(`${name}, ${precision}`, () => {
        const backend = webgpu({ device: device!, selfCheck: false, ...options } as InternalOptions);
        const subject = { backend, reference: reference(), precision };
        for (const { name: what, run } of all) if (cases.test(what)) test(what, () => run(subject));
        test("a row is the same within rounding, whatever else is in its run", () =>
          expectSameRows(backend, precision));
      });
    }
  });
}

/** How much a row may differ between runs, relative to its largest element: the README's word. */
const ROUNDING = 1e-6;
/** Numbers of rows that use every tile, and the most that a run has by default. */
const ROWS = [1, 2, 3, 8, 9, 64, 65, 512];

/** One row, alone and at both ends of runs of other rows. Its shapes are those of a case, so that no shader is compiled twice. */
async function expectSameRows(backend: Backend, precision: Precision): Promise<void> {
  const [width, outputs] = [20, 256];
  const builder = new GraphBuilder();
  const x = builder.input("x", "float32", ["n", width]);
  const y = builder.linear(x, builder.weight("w", [outputs, width]), builder.weight("b", [outputs]));
  const numbers = (count: number, seed: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(seed + i * 1.7));
  const executable = await backend.compile(
    builder.build({ y }),
    {
      read: (name) =>
        Promise.resolve(
          name === "w"
            ? tensor("float32", [outputs, width], numbers(outputs * width, 1))
            : tensor("float32", [outputs], numbers(outputs, 2)),
        ),
    },
    { precision },
  );
  const row = numbers(width, 3);
  let alone: Float32Array | undefined;
  for (const rows of ROWS) {
    const data = numbers(rows * width, 4);
    for (const at of [0, rows - 1]) data.set(row, at * width);
    const { y: result } = await executable.run({ x: tensor("float32", [rows, width], data) });
    for (const at of [0, rows - 1]) {
      const got = (result!.data as Float32Array).slice(at * outputs, (at + 1) * outputs);
      alone ??= got;
      expect(difference(got, alone, outputs).relative, `row ${at} of ${rows}`).toBeLessThanOrEqual(ROUNDING);
    }
  }
  await executable.dispose();
}
