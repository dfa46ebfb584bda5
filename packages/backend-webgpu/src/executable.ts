/** `WebgpuExecutable`: a loaded plan. A run is one upload, one command buffer and one read-back. */
import {
  BackendError,
  bindShape,
  checkInputs,
  DeviceLostError,
  InputError,
  RunQueue,
  tensor,
} from "@textower/graph";
import type { Dimensions, Executable, ExecutableInfo, Inputs, NodeId, Tensor } from "@textower/graph";
import type { Buffers } from "./buffers.js";
import { messageOf } from "./device.js";
import type { Device } from "./device.js";
import { quads } from "./kernels/shader.js";
import type { Size } from "./kernels/shader.js";
import type { LoadedWeights } from "./load.js";
import type { Kernel, Memory } from "./lower.js";
import type { Plan } from "./plan.js";
import type { KernelTiming, Timer } from "./timer.js";
import { packUpload } from "./upload.js";

const MAP_READ = 1;

/** What an executable is made of; let go of as one. */
export interface WebgpuParts {
  readonly plan: Plan;
  readonly device: Device;
  readonly buffers: Buffers;
  readonly weights: LoadedWeights;
  readonly memory: Memory;
  readonly read: GPUBuffer;
  readonly kernels: readonly Kernel[];
  /** Measures kernels, if somebody wants to know. */
  readonly timer: Timer | undefined;
  readonly onTimings: ((kernels: readonly KernelTiming[]) => void) | undefined;
  /** Gives the device back. */
  readonly release: () => void;
}

/** A kernel, ready to be dispatched. */
interface Bound {
  readonly kernel: Kernel;
  readonly group: GPUBindGroup;
}

/** See the file's head. */
export class WebgpuExecutable implements Executable {
  readonly info: ExecutableInfo;
  readonly #queue = new RunQueue("webgpu");
  readonly #bound: readonly Bound[];
  #parts: WebgpuParts | undefined;

  constructor(parts: WebgpuParts, info: ExecutableInfo) {
    this.#parts = parts;
    this.info = info;
    const { device, memory, kernels } = parts;
    this.#bound = kernels.map((kernel) => ({
      kernel,
      group: device.gpu.createBindGroup({
        label: kernel.label,
        layout: device.layout(kernel.reads.length),
        entries: [memory.upload, ...kernel.reads, kernel.writes].map((buffer, binding) => ({
          binding,
          // Uniforms are bound no longer than they may be.
          resource: binding === 0 ? { buffer, size: quads(parts.plan.words) * 16 } : { buffer },
        })),
      }),
    }));
  }

  run(inputs: Inputs, options: { readonly signal?: AbortSignal } = {}): Promise<Record<string, Tensor>> {
    return this.#queue.run(() => this.#run(this.#parts!, inputs), options.signal);
  }

  /**
   * Compiles the shaders that runs of `rows` rows need, for each of `rows`; they are compiled at the first such run
   * otherwise. Rejects as `run`.
   */
  warmup(rows: readonly number[]): Promise<void> {
    return this.#queue.run(async () => {
      for (const count of rows) await this.#pipelines(this.#parts!, () => count);
    });
  }

  dispose(): Promise<void> {
    return this.#queue.dispose(() => {
      this.#parts?.buffers.dispose();
      this.#parts?.release();
      this.#parts = undefined;
    });
  }

  #pipelines({ device }: WebgpuParts, rows: (size: Size) => number): Promise<GPUComputePipeline[]> {
    return Promise.all(
      this.#bound.map(({ kernel }) =>
        device.pipeline(kernel.label, kernel.shader(rows(kernel.rows)), kernel.reads.length),
      ),
    );
  }

  async #run(parts: WebgpuParts, inputs: Inputs): Promise<Record<string, Tensor>> {
    const { plan, device, memory, read, timer, onTimings } = parts;
    const dimensions = checkInputs(plan.graph, inputs);
    for (const [name, size] of dimensions) {
      if (size > plan.maxRows)
        throw new InputError(`webgpu: expected at most ${plan.maxRows} ${name}, got ${size}`);
    }
    if (device.loss !== undefined) throw device.loss;
    const upload = packUpload(plan, inputs, dimensions);
    const rows = (size: Size): number =>
      "literal" in size ? size.literal : new Uint32Array(upload.buffer)[size.word]!;
    const pipelines = await this.#pipelines(parts, rows);
    const copies = outputCopies(parts, dimensions);

    const { gpu } = device;
    gpu.pushErrorScope("validation");
    gpu.pushErrorScope("out-of-memory");
    gpu.queue.writeBuffer(memory.upload, 0, upload);
    const encoder = gpu.createCommandEncoder({ label: "run" });
    // Kernels that are measured have a pass each: that is what a device times.
    const pass = timer === undefined ? encoder.beginComputePass({ label: "run" }) : undefined;
    this.#bound.forEach(({ kernel, group }, index) => {
      const count = rows(kernel.rows);
      if (count === 0) return;
      const { label } = kernel;
      const own = pass ?? encoder.beginComputePass({ label, timestampWrites: timer!.writes(index) });
      own.pushDebugGroup(label); // what is invalid is reported with the names around it
      own.setPipeline(pipelines[index]!);
      own.setBindGroup(0, group);
      own.dispatchWorkgroups(...(kernel.grid(count) as [number, number, number?]));
      own.popDebugGroup();
      if (timer !== undefined) own.end();
    });
    pass?.end();
    timer?.resolve(encoder);
    for (const { from, at, bytes } of copies) {
      if (bytes > 0) encoder.copyBufferToBuffer(from, 0, read, at, bytes);
    }
    gpu.queue.submit([encoder.finish()]);
    const errors = [gpu.popErrorScope(), gpu.popErrorScope()];
    const used = copies.reduce((sum, { bytes }) => sum + bytes, 0);
    const mapped = read.mapAsync(MAP_READ, 0, Math.max(16, used));
    mapped.catch(() => undefined); // an error scope may tell more
    let results: Record<string, Tensor>;
    try {
      for (const error of await device.orLost(Promise.all(errors))) {
        if (error !== null) throw new Error(error.message);
      }
      await device.orLost(mapped);
      results = readOutputs(parts, inputs, dimensions, copies);
    } catch (cause) {
      if (cause instanceof DeviceLostError) throw cause;
      throw new BackendError(`webgpu: expected the device to run the graph, got: ${messageOf(cause)}`, {
        cause,
      });
    } finally {
      read.unmap(); // after a failure too: the next run needs it
    }
    if (timer !== undefined) {
      const microseconds = await device.orLost(timer.read());
      onTimings?.(
        this.#bound.flatMap(({ kernel: { label, rows: size, variant } }, index) => {
          const count = rows(size);
          if (count === 0) return [];
          return [
            { kernel: label, variant: variant(count), rows: count, microseconds: microseconds[index]! },
          ];
        }),
      );
    }
    return results;
  }
}

/** One output's way from the device. */
interface OutputCopy {
  readonly id: NodeId;
  readonly from: GPUBuffer;
  readonly at: number;
  readonly bytes: number;
}

/** Nodes that are outputs, inputs aside: those are here already. */
function outputCopies({ plan, weights, memory }: WebgpuParts, dimensions: Dimensions): OutputCopy[] {
  let at = 0;
  return [...new Set(Object.values(plan.graph.outputs))].flatMap((id) => {
    const { op } = plan.graph.nodes[id]!;
    if (op === "input") return [];
    const [rows, columns] = matrixOf(plan, id, dimensions);
    const bytes = rows * quads(columns) * 16;
    const from = op === "weight" ? weights.plain.get(id)! : memory.slots[plan.slots.get(id)!]!;
    at += bytes;
    return [{ id, from, at: at - bytes, bytes }];
  });
}

function readOutputs(
  { plan, read }: WebgpuParts,
  inputs: Inputs,
  dimensions: Dimensions,
  copies: readonly OutputCopy[],
): Record<string, Tensor> {
  const used = copies.reduce((sum, { bytes }) => sum + bytes, 0);
  const floats = new Float32Array(read.getMappedRange(0, Math.max(16, used)));
  return Object.fromEntries(
    Object.entries(plan.graph.outputs).map(([name, id]) => {
      const shape = bindShape(plan.graph.types[id]!.shape, dimensions);
      const node = plan.graph.nodes[id]!;
      if (node.op === "input") {
        return [name, tensor("float32", shape, (inputs[node.name]!.data as Float32Array).slice())];
      }
      const [rows, columns] = matrixOf(plan, id, dimensions);
      const { at } = copies.find((copy) => copy.id === id)!;
      const values = new Float32Array(rows * columns);
      for (let row = 0; row < rows; row++) {
        const begin = at / 4 + row * quads(columns) * 4;
        values.set(floats.subarray(begin, begin + columns), row * columns);
      }
      return [name, tensor("float32", shape, values)];
    }),
  );
}

function matrixOf(plan: Plan, id: NodeId, dimensions: Dimensions): [number, number] {
  const shape = bindShape(plan.graph.types[id]!.shape, dimensions);
  return shape.length === 1 ? [1, shape[0]!] : [shape[0]!, shape[1]!];
}
