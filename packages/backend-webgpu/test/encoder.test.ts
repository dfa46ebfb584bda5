/** The backend under the facade: warm-up, and that encoders come and go without leaving anything on the device. */
import { createTextEncoder } from "textower";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { webgpu } from "../src/index.js";
import { countBuffers, driverFile, openDevice, openGpu, spying } from "./adapters.js";

const absent = driverFile("swiftshader") === undefined;
const title = absent ? "SwiftShader (skipped: install Debian's chromium)" : "SwiftShader";
const PROMPTS = ["a red circle", "two green triangles", "a", "a small blue star left of a large yellow ring"];

describe.skipIf(absent)(title, () => {
  let device: GPUDevice;
  let pipelines = 0;
  let alive: ReturnType<typeof countBuffers>;
  beforeAll(async () => {
    device = (await openDevice("swiftshader"))!;
    const createPipeline = device.createComputePipelineAsync.bind(device);
    device.createComputePipelineAsync = (descriptor) => {
      pipelines++;
      return createPipeline(descriptor);
    };
    alive = countBuffers(device);
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
    const before = alive();
    for (let run = 0; run < 1000; run++) {
      const again = await encoder.encode(run % 100 === 0 ? PROMPTS : PROMPTS.slice(2, 3));
      if (run % 100 === 0) expect(again.data).toEqual(data);
    }
    expect(alive()).toEqual(before);
  });

  test("50 encoders leave nothing behind", async () => {
    const before = alive();
    for (let cycle = 0; cycle < 50; cycle++) {
      const encoder = await createTextEncoder({
        model: "shapes",
        backend: webgpu({ device, selfCheck: false }),
      });
      await encoder.encode("a");
      await encoder.dispose();
    }
    expect(alive()).toEqual(before);
  });

  test("an encoder whose device is lost rejects that call, and goes on with a device of its own making", async () => {
    const spy = spying(openGpu("swiftshader")!);
    const backend = webgpu({ gpu: spy.gpu, selfCheck: false });
    await using encoder = await createTextEncoder({ model: "shapes", backend });
    const { data } = await encoder.encode("a");
    spy.devices[0]!.destroy();
    await spy.devices[0]!.lost;
    await expect(encoder.encode("a")).rejects.toMatchObject({ name: "DeviceLostError" });
    expect((await encoder.encode("a")).data).toEqual(data);
    expect(spy.devices).toHaveLength(2);
  });
});
