/**
 * What goes wrong on devices, on Dawn: every failure rejects with a named error that says where, and nothing stays
 * allocated. That no rejection goes unhandled is seen by vitest, which fails then.
 */
import { afterAll, describe, expect, test } from "vitest";
import { webgpu } from "../src/index.js";
import { altered, countBuffers, openDevice, openGpu, spying } from "./adapters.js";
import { linearGraph, x } from "./linear-graph.js";

const gpu = openGpu("swiftshader");
const { graph, weights } = linearGraph(12);
const NOTHING = { buffers: 0, bytes: 0 };

describe.skipIf(gpu === undefined)(
  `on Dawn${gpu === undefined ? " (SwiftShader is not installed)" : ""}`,
  () => {
    const opened: GPUDevice[] = [];
    afterAll(() => opened.forEach((device) => device.destroy()));
    async function open(): Promise<GPUDevice> {
      opened.push((await openDevice("swiftshader"))!);
      return opened.at(-1)!;
    }

    test("a lost device rejects by name, and the next compile has a new one", async () => {
      const spy = spying(gpu!);
      const backend = webgpu({ gpu: spy.gpu });
      const executable = await backend.compile(graph, weights);
      const expected = await executable.run({ x });
      spy.devices[0]!.destroy();
      await spy.devices[0]!.lost;
      await expect(executable.run({ x })).rejects.toMatchObject({ name: "DeviceLostError" });
      const next = await backend.compile(graph, weights);
      expect(await next.run({ x })).toEqual(expected);
      expect(spy.devices).toHaveLength(2);
      await executable.dispose();
      await next.dispose();
    });

    test("a device that is lost while weights are read rejects the compile by name; the next has a new one", async () => {
      const spy = spying(gpu!);
      const backend = webgpu({ gpu: spy.gpu });
      let alive = () => NOTHING;
      const losing = {
        read: async (...asked: Parameters<typeof weights.read>) => {
          alive = countBuffers(spy.devices[0]!);
          spy.devices[0]!.destroy();
          return weights.read(...asked);
        },
      };
      await expect(backend.compile(graph, losing)).rejects.toMatchObject({ name: "DeviceLostError" });
      expect(alive()).toEqual(NOTHING);
      const next = await backend.compile(graph, weights);
      expect((await next.run({ x }))["y"]!.shape).toEqual([3, 12]);
      expect(spy.devices).toHaveLength(2);
      await next.dispose();
    });

    test("a compile whose weights never come rejects once the device is lost", async () => {
      const device = await open();
      const compile = webgpu({ device }).compile(graph, { read: () => new Promise(() => undefined) });
      setTimeout(() => device.destroy(), 10);
      await expect(compile).rejects.toMatchObject({ name: "DeviceLostError" });
    });

    test("a device that is lost during a run rejects that run by name", async () => {
      const device = await open();
      const executable = await webgpu({ device }).compile(graph, weights);
      const run = executable.run({ x });
      device.destroy();
      await expect(run).rejects.toMatchObject({ name: "DeviceLostError" });
      await executable.dispose();
    });

    test("nothing is left behind by a compile whose weights cannot be read", async () => {
      const device = await open();
      const alive = countBuffers(device);
      const broken = { read: () => Promise.reject(new RangeError("the file ends here")) };
      await expect(webgpu({ device }).compile(graph, broken)).rejects.toThrow(RangeError);
      expect(alive()).toEqual(NOTHING);
    });

    test("without memory for a weight a compile says which, and leaves nothing", async () => {
      const device = await open();
      const alive = countBuffers(device);
      const full = altered(device, {
        createBuffer: (descriptor) => {
          // What WebGPU prescribes for a buffer that is mapped as it is made.
          if (descriptor.mappedAtCreation === true) throw new RangeError("no memory");
          return device.createBuffer(descriptor);
        },
      });
      const compile = webgpu({ device: full }).compile(graph, weights);
      await expect(compile).rejects.toMatchObject({
        name: "BackendError",
        message: "webgpu: expected 384 bytes for w, got: no memory",
      });
      expect(alive()).toEqual(NOTHING);
    });

    test("a buffer that is made and cannot be mapped is freed too", async () => {
      const device = await open();
      const alive = countBuffers(device);
      const full = altered(device, {
        createBuffer: (descriptor) => {
          const buffer = device.createBuffer(descriptor);
          if (descriptor.mappedAtCreation === true) {
            buffer.getMappedRange = () => {
              throw new Error("no mapping");
            };
          }
          return buffer;
        },
      });
      await expect(webgpu({ device: full }).compile(graph, weights)).rejects.toThrow(
        /for w, got: no mapping/,
      );
      expect(alive()).toEqual(NOTHING);
    });

    test("without memory for results a compile rejects, and leaves nothing", async () => {
      const device = await open();
      const alive = countBuffers(device);
      const scopes: GPUErrorFilter[] = [];
      const full = altered(device, {
        pushErrorScope: (filter) => (scopes.push(filter), device.pushErrorScope(filter)),
        popErrorScope: async () => {
          await device.popErrorScope();
          return scopes.pop() === "out-of-memory" ? ({ message: "no memory" } as GPUError) : null;
        },
      });
      await expect(webgpu({ device: full }).compile(graph, weights)).rejects.toThrow(
        "webgpu: expected the device to take the graph, got: no memory",
      );
      expect(alive()).toEqual(NOTHING);
    });

    test("a dispatch that the device refuses rejects with the node's name, and the next run is right", async () => {
      const device = await open();
      let wrong = false;
      const altering = altered(device, {
        createCommandEncoder: (descriptor) => {
          const encoder = device.createCommandEncoder(descriptor);
          const begin = encoder.beginComputePass.bind(encoder);
          encoder.beginComputePass = (options) => {
            const pass = begin(options);
            const dispatch = pass.dispatchWorkgroups.bind(pass);
            pass.dispatchWorkgroups = (across, ...rest) => dispatch(wrong ? 65536 : across, ...rest);
            return pass;
          };
          return encoder;
        },
      });
      const executable = await webgpu({ device: altering }).compile(graph, weights);
      const expected = await executable.run({ x });
      wrong = true;
      await expect(executable.run({ x })).rejects.toThrow(/expected the device to run the graph.*linear %2/s);
      wrong = false;
      expect(await executable.run({ x })).toEqual(expected);
      await executable.dispose();
    });

    test("a shader that the device refuses rejects with the node's name, each time", async () => {
      const device = await open();
      const altering = altered(device, {
        createShaderModule: (descriptor) =>
          device.createShaderModule({
            ...descriptor,
            code: descriptor.code.replace("fn main", "fn main main"),
          }),
      });
      const executable = await webgpu({ device: altering }).compile(graph, weights);
      for (let run = 0; run < 2; run++) {
        await expect(executable.run({ x })).rejects.toMatchObject({
          name: "BackendError",
          message: expect.stringContaining("expected a pipeline for linear %2") as string,
        });
      }
      await executable.dispose();
    });

    test("bindings that the device refuses reject the compile with the node's name", async () => {
      const device = await open();
      const alive = countBuffers(device);
      const altering = altered(device, {
        createBindGroup: (descriptor) =>
          device.createBindGroup({ ...descriptor, entries: [...descriptor.entries].slice(1) }),
      });
      await expect(webgpu({ device: altering }).compile(graph, weights)).rejects.toThrow(
        /expected the device to take the graph.*linear %2/s,
      );
      expect(alive()).toEqual(NOTHING);
    });
  },
);
