/** TensorFlow.js's WebGPU backend in Node: Dawn on the software adapter that comes with Debian's Chromium. */
import { existsSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { reference } from "@textower/backend-reference";
import { conformanceCases, goldenCases } from "@textower/conformance";
import { create, globals } from "webgpu";
import { beforeAll, describe, expect, test } from "vitest";
import { tfjs } from "../src/index.js";

const DRIVER = "/usr/lib/chromium/vk_swiftshader_icd.json";
const absent = !existsSync(DRIVER) && process.env["CI"] !== "true";
const title = absent ? `webgpu (skipped: ${DRIVER} is absent, install Debian's chromium)` : "webgpu";
/** As in pages: each shader takes the software adapter a second to compile, and every shape has its own. */
const TOO_SLOW = /^tower: |\[(?:3|8|20|64|100|256)\]$/;

describe.skipIf(absent)(title, () => {
  const subject = { backend: tfjs({ tf }), reference: reference() };

  beforeAll(async () => {
    process.env["VK_ICD_FILENAMES"] = DRIVER;
    Object.assign(globalThis, globals);
    Object.defineProperty(globalThis, "navigator", {
      value: { gpu: create([]), userAgent: "Node" },
      configurable: true,
    });
    await import("@tensorflow/tfjs-backend-webgpu");
    if (!(await tf.setBackend("webgpu"))) throw new Error("expected the tfjs backend webgpu to start");
  });

  const cases = [...conformanceCases(), ...goldenCases(["micro"])];
  for (const { name, run } of cases.filter(({ name }) => !TOO_SLOW.test(name))) {
    test(name, async () => {
      const before = tf.memory().numTensors;
      await run(subject);
      expect(tf.memory().numTensors, "tensors left behind").toBe(before);
    });
  }
});
