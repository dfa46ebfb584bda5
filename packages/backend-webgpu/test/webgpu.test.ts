/** What the backend promises beyond the suite: memory, losses, errors, the check at load. */
import { loadGolden, syntheticSpec, syntheticWeights } from "@textower/conformance";
import { GraphBuilder, tensor } from "@textower/graph";
import type { Graph, WeightSource } from "@textower/graph";
import { buildTextEncoder } from "@textower/model";
import { describe, expect, test } from "vitest";
import { webgpu } from "../src/index.js";
import { visibleRows } from "../src/visible.js";
import { openDevice, openGpu } from "./adapters.js";

const gpu = openGpu("swiftshader");

/** x [rows, 8] · weightᵀ [outputs, 8] */
function linearGraph(outputs: number): { graph: Graph; weights: WeightSource } {
  const builder = new GraphBuilder();
  const x = builder.input("x", "float32", ["rows", 8]);
  const graph = builder.build({ y: builder.linear(x, builder.weight("w", [outputs, 8])) });
  const data = Float32Array.from({ length: outputs * 8 }, (_, i) => Math.sin(i));
  return { graph, weights: { read: () => Promise.resolve(tensor("float32", [outputs, 8], data)) } };
}

const x = tensor(
  "float32",
  [3, 8],
  Float32Array.from({ length: 24 }, (_, i) => Math.cos(i)),
);

test("a row's list of visible rows is its path, from the start", () => {
  const { list, ranges } = visibleRows("ancestors", Int32Array.of(-1, 0, 1, 0, 3), Int32Array.of(2, 4, 0));
  const lists = [0, 1, 2].map((i) => [...list.subarray(ranges[2 * i], ranges[2 * i]! + ranges[2 * i + 1]!)]);
  expect(lists).toEqual([[0, 1, 2], [0, 3, 4], [0]]);
});

describe.skipIf(gpu === undefined)(
  `on Dawn${gpu === undefined ? " (SwiftShader is not installed)" : ""}`,
  () => {
    /** A device that counts the buffers that are alive on it. */
    async function countingDevice(): Promise<{ device: GPUDevice; alive: () => number }> {
      const device = (await openDevice("swiftshader"))!;
      let alive = 0;
      const create = device.createBuffer.bind(device);
      device.createBuffer = (descriptor) => {
        const buffer = create(descriptor);
        alive++;
        const destroy = buffer.destroy.bind(buffer);
        buffer.destroy = () => {
          alive--;
          return destroy();
        };
        return buffer;
      };
      return { device, alive: () => alive };
    }

    test("50 executables leave no buffer behind, and 1,000 runs make none", async () => {
      const { device, alive } = await countingDevice();
      const backend = webgpu({ device });
      const { graph, weights } = linearGraph(12);
      for (let i = 0; i < 50; i++) await (await backend.compile(graph, weights)).dispose();
      expect(alive()).toBe(0);
      const executable = await backend.compile(graph, weights);
      const before = alive();
      for (let i = 0; i < 1000; i++) await executable.run({ x });
      expect(alive()).toBe(before);
      await executable.dispose();
      expect(alive()).toBe(0);
      device.destroy();
    });

    test("nothing is left behind by a compile whose weights cannot be read", async () => {
      const { device, alive } = await countingDevice();
      const weights = { read: () => Promise.reject(new RangeError("the file ends here")) };
      await expect(webgpu({ device }).compile(linearGraph(12).graph, weights)).rejects.toThrow(RangeError);
      expect(alive()).toBe(0);
      device.destroy();
    });

    test("a lost device rejects by name, and the next compile has a new one", async () => {
      const opened: GPUDevice[] = [];
      const spying = {
        requestAdapter: async (options?: GPURequestAdapterOptions) => {
          const adapter = (await gpu!.requestAdapter(options))!;
          const request = adapter.requestDevice.bind(adapter);
          adapter.requestDevice = async (descriptor) => {
            const device = await request(descriptor);
            opened.push(device);
            return device;
          };
          return adapter;
        },
      } as GPU;
      const backend = webgpu({ gpu: spying });
      const { graph, weights } = linearGraph(12);
      const executable = await backend.compile(graph, weights);
      const expected = await executable.run({ x });
      opened[0]!.destroy();
      await opened[0]!.lost;
      await expect(executable.run({ x })).rejects.toMatchObject({ name: "DeviceLostError" });
      const next = await backend.compile(graph, weights);
      expect(await next.run({ x })).toEqual(expected);
      expect(opened).toHaveLength(2);
      await executable.dispose();
      await next.dispose();
    });

    test("a device that is lost during a run rejects that run by name", async () => {
      const device = (await openDevice("swiftshader"))!;
      const { graph, weights } = linearGraph(12);
      const executable = await webgpu({ device }).compile(graph, weights);
      const run = executable.run({ x });
      device.destroy();
      await expect(run).rejects.toMatchObject({ name: "DeviceLostError" });
      await executable.dispose();
    });

    test("weights that are larger than a binding may be are split, and change nothing", async () => {
      const device = (await openDevice("swiftshader"))!;
      const { graph, weights } = linearGraph(21);
      const whole = await webgpu({ device }).compile(graph, weights, { maxRows: 8 });
      const expected = await whole.run({ x });
      const limited = new Proxy(device, {
        get(target, key) {
          if (key === "limits")
            return { ...target.limits, maxBufferSize: 1024, maxStorageBufferBindingSize: 1024 };
          const value = Reflect.get(target, key, target) as unknown;
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      const split = await webgpu({ device: limited }).compile(graph, weights, { maxRows: 8 });
      expect(await split.run({ x })).toEqual(expected);
      await whole.dispose();
      await split.dispose();
      device.destroy();
    });

    test("a device that computes wrong numbers is found out at load", async () => {
      const device = (await openDevice("swiftshader"))!;
      const wrong = new Proxy(device, {
        get(target, key) {
          if (key === "createShaderModule") {
            return (descriptor: GPUShaderModuleDescriptor) =>
              target.createShaderModule({ ...descriptor, code: descriptor.code.replace("-1.702", "-1.6") });
          }
          const value = Reflect.get(target, key, target) as unknown;
          return typeof value === "function" ? value.bind(target) : value;
        },
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
