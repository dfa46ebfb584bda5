/** `webgpu()`: the backend, and how it puts an executable together. */
import { BackendError, DeviceLostError, UnsupportedError, verify } from "@textower/graph";
import type { Backend, CompileOptions, Graph, Support, WeightSource } from "@textower/graph";
import { Buffers } from "./buffers.js";
import { DeviceSource, messageOf, requestAdapter } from "./device.js";
import type { Device, DeviceOptions } from "./device.js";
import { WebgpuExecutable } from "./executable.js";
import { loadWeights } from "./load.js";
import { lower } from "./lower.js";
import type { Target } from "./lower.js";
import { makePlan } from "./plan.js";
import { checkDevice } from "./self-check.js";
import type { KernelChoice } from "./tiles.js";
import { Timer } from "./timer.js";
import type { KernelTiming } from "./timer.js";

/** Options of `webgpu`. */
export interface WebgpuOptions extends DeviceOptions {
  /**
   * Whether a compile first runs a small block of the same widths and compares it with plain loops, since some drivers
   * return wrong numbers without an error. Takes a few milliseconds on a GPU, and compiles shaders that runs need
   * anyway. Default true.
   */
  readonly selfCheck?: boolean;
  /**
   * Called after each run, before it resolves, with what each kernel took on the device, in the order in which they ran.
   * Such runs are slower: nothing overlaps. A compile rejects with UnsupportedError on a device without
   * `timestamp-query`; one that `webgpu` asks for itself has it where the adapter does.
   */
  readonly onTimings?: (kernels: readonly KernelTiming[]) => void;
}

/** What tests ask for beyond `WebgpuOptions`. */
export interface InternalOptions extends WebgpuOptions {
  /** Kernels for GPUs or plain ones, whatever the device is. */
  readonly kernels?: KernelChoice;
  /** Whether to use `shader-f16` and subgroups where the device has them. */
  readonly features?: boolean;
}

/**
 * The WebGPU backend, named "webgpu". Executables share one device; it is destroyed with the last of them, unless it
 * is the caller's.
 * @example
 * registerBackend(webgpu());
 * @example
 * import { create, globals } from "webgpu"; // in Node
 * Object.assign(globalThis, globals);
 * const encoder = await createTextEncoder({ model: "shapes", backend: webgpu({ gpu: create([]) }) });
 */
export function webgpu(options: WebgpuOptions = {}): Backend {
  const devices = new DeviceSource(options);
  return {
    name: "webgpu",
    isSupported: () => support(options),
    compile: (graph, weights, compileOptions) =>
      compile(devices, graph, weights, compileOptions ?? {}, options),
  };
}

async function support(options: DeviceOptions): Promise<Support> {
  if (options.device !== undefined) return { supported: true };
  const adapter = await requestAdapter(options);
  return typeof adapter === "string" ? { supported: false, reason: adapter } : { supported: true };
}

/** Plan, device, weights, kernels. Whatever fails, nothing is held on to. */
async function compile(
  devices: DeviceSource,
  graph: Graph,
  weights: WeightSource,
  compileOptions: CompileOptions,
  options: InternalOptions,
): Promise<WebgpuExecutable> {
  verify(graph);
  const { signal } = compileOptions;
  signal?.throwIfAborted();
  const device = await devices.acquire();
  try {
    const target = targetOf(device, options);
    if (options.selfCheck !== false) {
      await checkDevice(graph, compileOptions, target, (block, source, rest) =>
        build(device, target, block, source, rest, {}, () => undefined),
      );
    }
    return await build(device, target, graph, weights, compileOptions, options, () => devices.release());
  } catch (error) {
    devices.release();
    throw device.loss ?? error;
  }
}

function targetOf(
  { gpu, isSoftware }: Device,
  { kernels = "auto", features = true }: InternalOptions,
): Target {
  const has = (name: GPUFeatureName): boolean => features && gpu.features.has(name);
  return {
    plain: kernels === "auto" ? isSoftware : kernels === "plain",
    halves: has("shader-f16"),
    subgroups: has("subgroups"),
  };
}

async function build(
  device: Device,
  target: Target,
  graph: Graph,
  source: WeightSource,
  options: CompileOptions,
  { onTimings }: Pick<WebgpuOptions, "onTimings">,
  release: () => void,
): Promise<WebgpuExecutable> {
  const { precision = "float32", maxRows } = options;
  const plan = makePlan(graph, { precision, ...(maxRows === undefined ? {} : { maxRows }) });
  const buffers = new Buffers(device);
  const { gpu } = device;
  try {
    gpu.pushErrorScope("out-of-memory");
    gpu.pushErrorScope("validation");
    let executable: WebgpuExecutable | undefined;
    let failure: unknown;
    try {
      const memory = {
        upload: buffers.make("inputs", "upload", plan.uploadBytes),
        slots: plan.slotBytes.map((bytes, slot) => buffers.make(`slot ${slot}`, "slot", bytes)),
      };
      const read = buffers.make("outputs", "read", plan.readBytes);
      const weights = await loadWeights(plan, device, buffers, source, options);
      const kernels = lower(plan, memory, weights, target);
      const timer = onTimings === undefined ? undefined : new Timer(device, buffers, kernels.length);
      executable = new WebgpuExecutable(
        { plan, device, buffers, weights, memory, read, kernels, timer, onTimings, release },
        {
          backend: "webgpu",
          device: device.description,
          precision,
          threads: 1,
          memoryBytes: buffers.bytes,
          notes: device.isSoftware ? ["the adapter is software: WebAssembly is likely to be faster"] : [],
        },
      );
    } catch (error) {
      failure = error;
    }
    const errors = await device.orLost(Promise.all([gpu.popErrorScope(), gpu.popErrorScope()]));
    if (failure !== undefined) throw failure;
    for (const error of errors) {
      if (error !== null)
        throw new BackendError(`webgpu: expected the device to take the graph, got: ${error.message}`);
    }
    return executable!;
  } catch (error) {
    buffers.dispose();
    if (device.loss !== undefined) throw device.loss;
    if (error instanceof TypeError && !(error instanceof DeviceLostError)) {
      throw new UnsupportedError(`webgpu: expected a device that takes the graph, got: ${messageOf(error)}`, {
        cause: error,
      });
    }
    throw error;
  }
}
