/** The suite on lavapipe, the software driver that has `shader-f16`; and that feature beside the way without it. */
import { afterAll, describe, expect, test } from "vitest";
import { webgpu } from "../src/index.js";
import type { InternalOptions } from "../src/webgpu.js";
import { openDevice } from "./adapters.js";
import { testDriver } from "./conformance.js";
import { linearGraph, x } from "./linear-graph.js";

await testDriver("lavapipe");

const device = await openDevice("lavapipe");
const title = `shader-f16${device === undefined ? " (skipped: lavapipe is not installed)" : ""}`;
describe.skipIf(device === undefined)(title, () => {
  afterAll(() => device?.destroy());

  test("gives the numbers that float16 weights give without it", async () => {
    expect(device!.features.has("shader-f16")).toBe(true);
    const { graph, weights } = linearGraph(12);
    const results = [];
    for (const features of [true, false]) {
      const options: InternalOptions = { device: device!, features, selfCheck: false };
      const executable = await webgpu(options).compile(graph, weights, { precision: "float16" });
      results.push(await executable.run({ x }));
      await executable.dispose();
    }
    expect(results[0]).toEqual(results[1]); // a float16 has one float32
  });
});
