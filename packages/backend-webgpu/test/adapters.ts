/** WebGPU in Node: Dawn on the Vulkan drivers that are installed, each in a process of its own kind. */
import { existsSync } from "node:fs";
import { create, globals } from "webgpu";

/** Software drivers by the file that Vulkan's loader knows them by, as Debian's packages install them. */
export const DRIVERS = {
  swiftshader: ["/usr/lib/chromium/vk_swiftshader_icd.json"],
  lavapipe: ["/usr/share/vulkan/icd.d/lvp_icd.json", "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json"],
} as const;

/** Name of a driver. */
export type Driver = keyof typeof DRIVERS;

/** The driver's file, or undefined if it is not installed. In CI that is an error. */
export function driverFile(driver: Driver): string | undefined {
  const file = DRIVERS[driver].find((path) => existsSync(path));
  if (file === undefined && process.env["CI"] === "true") {
    throw new Error(`${driver}: expected one of ${DRIVERS[driver].join(", ")}, got none`);
  }
  return file;
}

/** Dawn's instance must outlive its devices. */
let instance: GPU | undefined;

/**
 * Dawn on a driver. The loader reads its environment when the first instance is made, so a process has one driver:
 * vitest gives each test file a process.
 */
export function openGpu(driver: Driver): GPU | undefined {
  const file = driverFile(driver);
  if (file === undefined) return undefined;
  process.env["VK_ICD_FILENAMES"] = file;
  Object.assign(globalThis, globals);
  return (instance ??= create([]));
}

/** A device with the features that kernels use, as `webgpu()` would ask for it. */
export async function openDevice(driver: Driver): Promise<GPUDevice | undefined> {
  const adapter = await openGpu(driver)?.requestAdapter();
  if (adapter === undefined || adapter === null) return undefined;
  const requiredFeatures = (["shader-f16", "subgroups"] as const).filter((name) =>
    adapter.features.has(name),
  );
  return adapter.requestDevice({ requiredFeatures });
}
