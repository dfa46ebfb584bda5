/**
 * A part of the suite on Deno's own WebGPU, on the software driver that Chromium brings. Not here: lavapipe, which spends
 * minutes on the shaders that Deno makes of ours.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { binaryOf } from "./binaries.mjs";
import { suiteOf } from "./suite.mjs";

const DRIVER = "/usr/lib/chromium/vk_swiftshader_icd.json";
const path = binaryOf("deno", "deno");
const { skip, title } =
  path !== undefined && !existsSync(DRIVER)
    ? suiteOf("Deno, WebGPU", DRIVER, "install Debian's chromium")
    : suiteOf("Deno, WebGPU", path, "its npm package brings one for most platforms");

describe.skipIf(skip)(title, () => {
  test("conforms", async () => {
    const script = fileURLToPath(new URL("run-webgpu-cases.mjs", import.meta.url));
    const args = ["run", "--no-prompt", "--no-lock", "--node-modules-dir=manual", "--allow-read", script];
    const env = { ...process.env, VK_ICD_FILENAMES: DRIVER, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
    const { error, stdout, stderr } = await new Promise((resolve) => {
      execFile(path, args, { env, timeout: 550_000, killSignal: "SIGKILL" }, (error, stdout, stderr) =>
        resolve({ error, stdout, stderr }),
      );
    });
    expect(error, stderr).toBeNull();
    const { ran, failures, device } = JSON.parse(stdout);
    expect(failures).toEqual([]);
    expect(ran).toBe(10);
    expect(device).toMatch(/SwiftShader/);
  }, 600_000);
});
