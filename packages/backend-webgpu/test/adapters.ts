/** WebGPU in Node: Dawn on the Vulkan drivers that are installed, each in a process of its own kind. */
import { existsSync } from "node:fs";
import { create, globals } from "webgpu";

/** Software drivers: the file that Vulkan's loader knows each by, as Debian's packages install it, and how to get it. */
export const DRIVERS = {
  swiftshader: { file: "/usr/lib/chromium/vk_swiftshader_icd.json", remedy: "install Debian's chromium" },
  lavapipe: {
    file: "/usr/share/vulkan/icd.d/lvp_icd.json",
    remedy: "install mesa-vulkan-drivers 25, on Debian 12 from its backports",
  },
} as const;

/** Name of a driver. */
export type Driver = keyof typeof DRIVERS;

/** The driver's file, or undefined if it is not installed. In CI that is an error. */
export function driverFile(driver: Driver): string | undefined {
  const { file, remedy } = DRIVERS[driver];
  if (existsSync(file)) return file;
  if (process.env["CI"] === "true") throw new Error(`${driver}: expected ${file}, got none; ${remedy}`);
  return undefined;
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
  process.env["GALLIVM_PERF"] = "nopt"; // lavapipe compiles in seconds what it would optimise for a minute
  Object.assign(globalThis, globals);
  return (instance ??= create([]));
}

/** A device with the features that kernels use, as `webgpu()` would ask for it; undefined where there is no such adapter. */
export async function openDevice(driver: Driver): Promise<GPUDevice | undefined> {
  const adapter = await openGpu(driver)?.requestAdapter();
  if (adapter === undefined || adapter === null) {
    // Mesa 22 is installed and gives Dawn no adapter.
    if (process.env["CI"] === "true") {
      throw new Error(`${driver}: expected an adapter, got none; ${DRIVERS[driver].remedy}`);
    }
    return undefined;
  }
  const requiredFeatures = (["shader-f16", "subgroups", "timestamp-query"] as const).filter((name) =>
    adapter.features.has(name),
  );
  return adapter.requestDevice({ requiredFeatures });
}

/** Makes `device` count the buffers that are alive on it, and their bytes. */
export function countBuffers(device: GPUDevice): () => { readonly buffers: number; readonly bytes: number } {
  const alive = new Set<GPUBuffer>();
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    alive.add(buffer);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      alive.delete(buffer);
      return destroy();
    };
    return buffer;
  };
  return () => ({ buffers: alive.size, bytes: [...alive].reduce((sum, { size }) => sum + size, 0) });
}

/** A device some of whose members are others; what is not given is its own. */
export function altered(device: GPUDevice, members: Partial<GPUDevice>): GPUDevice {
  return new Proxy(device, {
    get(target, key) {
      if (key in members) return Reflect.get(members, key) as unknown;
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Dawn whose devices can be seen; the last one is the newest. */
export function spying(gpu: GPU): { readonly gpu: GPU; readonly devices: readonly GPUDevice[] } {
  const devices: GPUDevice[] = [];
  const requestAdapter = async (options?: GPURequestAdapterOptions): Promise<GPUAdapter | null> => {
    const adapter = await gpu.requestAdapter(options);
    if (adapter === null) return null;
    const request = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (descriptor) => {
      const device = await request(descriptor);
      devices.push(device);
      return device;
    };
    return adapter;
  };
  return { gpu: { requestAdapter } as GPU, devices };
}
