/** The backend under the facade: warm-up, and that encoders come and go without leaving anything on the device. */
import { createTextEncoder } from "textower";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { webgpu } from "../src/index.js";
import { driverFile, openDevice } from "./adapters.js";

const absent = driverFile("swiftshader") === undefined;
const title = absent ? "SwiftShader (skipped: install Debian's chromium)" : "SwiftShader";
const PROMPTS = ["a red circle", "two green triangles", "a", "a small blue star left of a large yellow ring"];

describe.skipIf(absent)(title, () => {
  let device: GPUDevice;
  let [pipelines, buffers, bytes] = [0, 0, 0];
  beforeAll(async () => {
    device = (await openDevice("swiftshader"))!;
    const createPipeline = device.createComputePipelineAsync.bind(device);
    device.createComputePipelineAsync = (descriptor) => {
      pipelines++;
      return createPipeline(descriptor);
    };
    const createBuffer = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = createBuffer(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      let isThere = true;
      [buffers, bytes] = [buffers + 1, bytes + descriptor.size];
      buffer.destroy = () => {
        if (isThere) [buffers, bytes] = [buffers - 1, bytes - descriptor.size];
        isThere = false;
        return destroy();
      };
      return buffer;
    };
  });
  afterAll(() => device?.destroy());

  test("after a warm-up no run compiles anything", async () => {
    await using encoder = await createTextEncoder({ model: "shapes", backend: webgpu({ device }) });
    await encoder.warmup();
    const before = pipelines;
    await encoder.encode(PROMPTS);
    await encoder.encode(PROMPTS.slice(0, 1));
    await encoder.encode(Array.from({ length: 30 }, (_, i) => `${i} ${PROMPTS[i % 4]}`));
    expect(pipelines).toBe(before);
  });

  test("1,000 runs take no further buffer, and every vector is the first one", async () => {
    await using encoder = await createTextEncoder({ model: "shapes", backend: webgpu({ device }) });
    const { data } = await encoder.encode(PROMPTS);
    const [count, size] = [buffers, bytes];
    for (let run = 0; run < 1000; run++) {
      const again = await encoder.encode(run % 100 === 0 ? PROMPTS : PROMPTS.slice(2, 3));
      if (run % 100 === 0) expect(again.data).toEqual(data);
    }
    expect([buffers, bytes]).toEqual([count, size]);
  });

  test("50 encoders leave nothing behind", async () => {
    const [count, size] = [buffers, bytes];
    for (let cycle = 0; cycle < 50; cycle++) {
      const encoder = await createTextEncoder({
        model: "shapes",
        backend: webgpu({ device, selfCheck: false }),
      });
      await encoder.encode("a");
      await encoder.dispose();
    }
    expect([buffers, bytes]).toEqual([count, size]);
  });
});
