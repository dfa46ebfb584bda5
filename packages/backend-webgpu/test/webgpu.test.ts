/** What the backend promises beyond the suite: memory, split weights, timings, the check at load. */
import { expectClose, loadGolden, syntheticSpec, syntheticWeights, TOLERANCES } from "@textower/conformance";
import { tensor } from "@textower/graph";
import { buildTextEncoder } from "@textower/model";
import { describe, expect, test } from "vitest";
import { webgpu } from "../src/index.js";
import type { KernelTiming } from "../src/index.js";
import { visibleRows } from "../src/visible.js";
import type { InternalOptions } from "../src/webgpu.js";
import { altered, countBuffers, openDevice, openGpu } from "./adapters.js";
import { linearGraph, x } from "./linear-graph.js";

const gpu = openGpu("swiftshader");

test("a row's list of visible rows is its path, from the start", () => {
  const { list, ranges } = visibleRows("ancestors", Int32Array.of(-1, 0, 1, 0, 3), Int32Array.of(2, 4, 0));
  const lists = [0, 1, 2].map((i) => [...list.subarray(ranges[2 * i], ranges[2 * i]! + ranges[2 * i + 1]!)]);
  expect(lists).toEqual([[0, 1, 2], [0, 3, 4], [0]]);
});

describe.skipIf(gpu === undefined)(
  `on Dawn${gpu === undefined ? " (SwiftShader is not installed)" : ""}`,
  () => {
    test("50 executables and 1,000 runs leave no buffer behind, and the process does not grow", async () => {
      const device = (await openDevice("swiftshader"))!;
      const alive = countBuffers(device);
      const backend = webgpu({ device });
      const big = linearGraph(2 ** 17); // 4 MB of weights: what stays of any of them is seen
      /** Bytes of the process once it has warmed up. */
      let before = 0;
      for (let cycle = 0; cycle < 50; cycle++) {
        const executable = await backend.compile(big.graph, big.weights, { maxRows: 4 });
        await executable.run({ x });
        await executable.dispose();
        if (cycle === 9) before = process.memoryUsage().rss;
      }
      expect(process.memoryUsage().rss - before).toBeLessThan(80e6); // 40 that stay would be 168e6
      expect(alive().buffers).toBe(0);
      const { graph, weights } = linearGraph(12);
      const executable = await backend.compile(graph, weights);
      const had = alive();
      // The engine's own heap takes some hundred runs to find its size.
      for (let run = 0; run < 1600; run++) {
        await executable.run({ x });
        if (run === 599) before = process.memoryUsage().rss;
      }
      expect(process.memoryUsage().rss - before).toBeLessThan(40e6);
      expect(alive()).toEqual(had);
      await executable.dispose();
      expect(alive().buffers).toBe(0);
      device.destroy();
    });

    test("timings name each kernel that ran, with its rows, and change nothing", async () => {
      const device = (await openDevice("swiftshader"))!;
      const alive = countBuffers(device);
      const runs: (readonly KernelTiming[])[] = [];
      const { graph, weights } = linearGraph(12);
      const plain = await webgpu({ device }).compile(graph, weights);
      const timed = await webgpu({ device, onTimings: (kernels) => runs.push(kernels) }).compile(
        graph,
        weights,
      );
      expect(await timed.run({ x })).toEqual(await plain.run({ x }));
      await timed.run({ x });
      expect(runs).toHaveLength(2);
      const named = { kernel: "linear %2", variant: "direct 4, float32", rows: 3 };
      for (const kernels of runs) {
        expect(kernels).toMatchObject([named]);
        expect(kernels[0]!.microseconds).toBeGreaterThanOrEqual(0);
      }
      await plain.dispose();
      await timed.dispose();
      expect(alive().buffers).toBe(0);
      device.destroy();
    });

    test("timings are refused on a device that has none", async () => {
      const adapter = (await gpu!.requestAdapter())!;
      const device = await adapter.requestDevice();
      const { graph, weights } = linearGraph(12);
      const compile = webgpu({ device, onTimings: () => undefined }).compile(graph, weights);
      await expect(compile).rejects.toMatchObject({ name: "UnsupportedError" });
      device.destroy();
    });

    test("weights that are larger than a binding may be are split, and change nothing", async () => {
      const device = (await openDevice("swiftshader"))!;
      const { graph, weights } = linearGraph(21);
      const whole = await webgpu({ device }).compile(graph, weights, { maxRows: 8 });
      const expected = await whole.run({ x });
      const limited = altered(device, {
        limits: { ...device.limits, maxBufferSize: 1024, maxStorageBufferBindingSize: 1024 },
      });
      const split = await webgpu({ device: limited }).compile(graph, weights, { maxRows: 8 });
      expect(await split.run({ x })).toEqual(expected);
      await whole.dispose();
      await split.dispose();
      device.destroy();
    });

    test("the largest tile gives what the plain kernel gives, and is what many rows are computed with", async () => {
      const device = (await openDevice("swiftshader"))!;
      const { graph, weights } = linearGraph(4096);
      const many = tensor(
        "float32",
        [512, 8],
        Float32Array.from({ length: 4096 }, (_, i) => Math.cos(i)),
      );
      const variants: string[] = [];
      const results: Float32Array[] = [];
      for (const kernels of ["plain", "gpu"] as const) {
        const onTimings = ([timing]: readonly KernelTiming[]): number => variants.push(timing!.variant);
        const options: InternalOptions = { device, kernels, onTimings };
        const executable = await webgpu(options).compile(graph, weights);
        results.push((await executable.run({ x: many }))["y"]!.data as Float32Array);
        await executable.dispose();
      }
      expect(variants).toEqual(["direct 8, float32", "tiled 128 × 128, float32"]);
      expectClose("tiled", results[1]!, results[0]!, 4096, TOLERANCES.float32);
      device.destroy();
    });

    test("a device that computes wrong numbers is found out at load", async () => {
      const device = (await openDevice("swiftshader"))!;
      const wrong = altered(device, {
        createShaderModule: (descriptor) =>
          device.createShaderModule({ ...descriptor, code: descriptor.code.replace("-1.702", "-1.6") }),
      });
      const { descriptor } = await loadGolden("micro");
      const graph = buildTextEncoder(descriptor);
      const weights = syntheticWeights(syntheticSpec(descriptor));
      await expect(webgpu({ device: wrong }).compile(graph, weights)).rejects.toThrow(
        /to compute a block of/,
      );
      const right = await webgpu({ device }).compile(graph, weights);
      await right.dispose();
      device.destroy();
    });
  },
);
