/**
 * Devices: one that the user hands in, or one asked for with all the limits and features that help here, shared by the
 * executables of a backend and replaced once it is lost.
 */
import { BackendError, DeviceLostError, UnsupportedError } from "@textower/graph";

/** Features that kernels and timings use where an adapter has them. */
const HELPFUL_FEATURES = ["shader-f16", "subgroups", "timestamp-query"] as const;
const HELPFUL_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
] as const;

/** What `Device` is made from. */
export interface DeviceOptions {
  /** WebGPU's entry. Default: `navigator.gpu`. In Node: `create([])` of the package `webgpu` (Dawn). */
  readonly gpu?: GPU;
  /** A device to use as it is; the caller destroys it. Default: one of `gpu`'s. */
  readonly device?: GPUDevice;
  /** Passed on to `requestAdapter`. */
  readonly powerPreference?: GPUPowerPreference;
}

/** A device with what is known of it: pipelines, and whether it is lost. */
export class Device {
  readonly gpu: GPUDevice;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  /** Who waits for something that a lost device never gives. */
  readonly #waiting = new Set<(error: DeviceLostError) => void>();
  #loss: DeviceLostError | undefined;

  constructor(gpu: GPUDevice) {
    this.gpu = gpu;
    void gpu.lost.then((info) => {
      this.#loss = new DeviceLostError(
        `webgpu: expected a working device, got one that was lost (${info.reason || "unknown"}): ${info.message}`,
      );
      for (const reject of this.#waiting) reject(this.#loss);
    });
  }

  /** Why the device is of no use any more, if it is lost. */
  get loss(): DeviceLostError | undefined {
    return this.#loss;
  }

  /** Whether it is a CPU that acts as a GPU. */
  get isSoftware(): boolean {
    return this.gpu.adapterInfo?.isFallbackAdapter ?? false;
  }

  /** Its name, for users. */
  get description(): string {
    const { description, vendor, architecture, device } = this.gpu.adapterInfo ?? {};
    const name =
      description || [vendor, architecture || device].filter(Boolean).join(" ") || "unknown adapter";
    return this.isSoftware ? `${name} (software)` : name;
  }

  /** Waits for something, or for the loss of the device, which rejects with DeviceLostError. */
  orLost<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#loss !== undefined) reject(this.#loss);
      this.#waiting.add(reject);
      promise.then(
        (value) => {
          this.#waiting.delete(reject);
          resolve(value);
        },
        // What a lost device rejects with may come before the news of the loss.
        (error: unknown) =>
          setTimeout(() => {
            this.#waiting.delete(reject);
            reject(this.#loss ?? error);
          }),
      );
    });
  }

  /** Bindings of a kernel: the words, `reads` buffers, and one that is written. */
  layout(reads: number): GPUBindGroupLayout {
    const key = String(reads);
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const types = [
      "uniform",
      ...Array.from({ length: reads }, () => "read-only-storage"),
      "storage",
    ] as const;
    const layout = this.gpu.createBindGroupLayout({
      label: `${reads} read`,
      entries: types.map((type, binding) => ({
        binding,
        visibility: 4, // GPUShaderStage.COMPUTE
        buffer: { type: type as GPUBufferBindingType },
      })),
    });
    this.#layouts.set(key, layout);
    return layout;
  }

  /** The pipeline of a shader, compiled once. Rejects with BackendError that names `label`. */
  pipeline(label: string, code: string, reads: number): Promise<GPUComputePipeline> {
    const known = this.#pipelines.get(code);
    if (known !== undefined) return known;
    const { gpu } = this;
    gpu.pushErrorScope("validation"); // an invalid shader is reported once, by the pipeline
    const pipeline = this.orLost(
      gpu.createComputePipelineAsync({
        label,
        layout: gpu.createPipelineLayout({ label, bindGroupLayouts: [this.layout(reads)] }),
        compute: { module: gpu.createShaderModule({ label, code }), entryPoint: "main" },
      }),
    ).catch((cause: unknown) => {
      this.#pipelines.delete(code);
      if (cause instanceof DeviceLostError) throw cause;
      throw new BackendError(`webgpu: expected a pipeline for ${label}, got: ${messageOf(cause)}`, { cause });
    });
    gpu.popErrorScope().catch(() => undefined);
    pipeline.catch(() => undefined); // reported to whoever awaits it
    this.#pipelines.set(code, pipeline);
    return pipeline;
  }
}

/** What is known of devices that users hand in outlives the executables on them. */
const handedIn = new WeakMap<GPUDevice, Device>();

/** Hands out the device of a backend. */
export class DeviceSource {
  readonly #options: DeviceOptions;
  #current: Promise<Device> | undefined;
  #users = 0;

  constructor(options: DeviceOptions) {
    this.#options = options;
  }

  /** A device that is not lost; each `acquire` needs a `release`. Rejects with UnsupportedError, or DeviceLostError for one that the user handed in. */
  async acquire(): Promise<Device> {
    this.#users++;
    try {
      let device = await (this.#current ??= this.#make());
      if (device.loss !== undefined) {
        if (this.#options.device !== undefined) throw device.loss;
        this.#current = this.#make();
        device = await this.#current;
      }
      return device;
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Gives back what `acquire` gave. The last one destroys a device that this source has made. */
  release(): void {
    this.#users--;
    if (this.#users > 0 || this.#current === undefined) return;
    const last = this.#current;
    this.#current = undefined;
    if (this.#options.device === undefined) void last.then(({ gpu }) => gpu.destroy()).catch(() => undefined);
  }

  async #make(): Promise<Device> {
    const { device } = this.#options;
    if (device !== undefined) {
      const known = handedIn.get(device) ?? new Device(device);
      handedIn.set(device, known);
      return known;
    }
    const adapter = await requestAdapter(this.#options);
    if (typeof adapter === "string") throw new UnsupportedError(adapter);
    const requiredLimits: Record<string, number> = {};
    for (const name of HELPFUL_LIMITS) requiredLimits[name] = adapter.limits[name];
    const requiredFeatures = HELPFUL_FEATURES.filter((name) => adapter.features.has(name));
    return new Device(await adapter.requestDevice({ label: "textower", requiredFeatures, requiredLimits }));
  }
}

/** An adapter, or why there is none, in words for a user. */
export async function requestAdapter({ gpu, powerPreference }: DeviceOptions): Promise<GPUAdapter | string> {
  const entry = gpu ?? globalThis.navigator?.gpu;
  if (entry === undefined) return "webgpu: expected a runtime with navigator.gpu, got one without";
  try {
    const adapter = await entry.requestAdapter(powerPreference === undefined ? {} : { powerPreference });
    return adapter ?? "webgpu: expected an adapter, got none from the runtime";
  } catch (error) {
    return `webgpu: expected an adapter, got: ${messageOf(error)}`;
  }
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
