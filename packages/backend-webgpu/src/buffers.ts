/** `Buffers`: what an executable holds on a device, freed as one. */
import { BackendError, UnsupportedError } from "@textower/graph";
import type { Device } from "./device.js";
import { messageOf } from "./device.js";

const MAP_READ = 0x1;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const UNIFORM = 0x40;
const STORAGE = 0x80;
const QUERY_RESOLVE = 0x200;

/** What a buffer is for. */
const USAGE = {
  weight: STORAGE | COPY_SRC,
  slot: STORAGE | COPY_SRC,
  upload: STORAGE | UNIFORM | COPY_DST,
  read: MAP_READ | COPY_DST,
  times: QUERY_RESOLVE | COPY_SRC,
} as const;

/** See the file's head. */
export class Buffers {
  readonly #device: Device;
  readonly #all = new Set<GPUBuffer | GPUQuerySet>();
  #bytes = 0;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Bytes on the device. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that one buffer can have and be bound with. */
  get limit(): number {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.gpu.limits;
    return Math.min(maxBufferSize, maxStorageBufferBindingSize);
  }

  /**
   * A buffer; what it holds is undefined or zero.
   * @throws UnsupportedError beyond the limit, BackendError if there is no memory
   */
  make(label: string, use: keyof typeof USAGE, bytes: number): GPUBuffer {
    return this.#make(label, use, bytes, undefined);
  }

  /** A buffer that `fill` writes to where it is mapped: no copy is made on the way. */
  filled(label: string, bytes: number, fill: (into: ArrayBuffer) => void): GPUBuffer {
    return this.#make(label, "weight", bytes, fill);
  }

  /** Room for timestamps; counts as no bytes. */
  timestamps(count: number): GPUQuerySet {
    const queries = this.#device.gpu.createQuerySet({ label: "times", type: "timestamp", count });
    this.#all.add(queries);
    return queries;
  }

  /** Frees all of them. */
  dispose(): void {
    for (const each of this.#all) each.destroy();
    this.#all.clear();
    this.#bytes = 0;
  }

  #make(
    label: string,
    use: keyof typeof USAGE,
    bytes: number,
    fill: ((into: ArrayBuffer) => void) | undefined,
  ): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    if (size > this.limit) {
      throw new UnsupportedError(`webgpu: expected at most ${this.limit} bytes for ${label}, got ${size}`);
    }
    let into: ArrayBuffer | undefined;
    let buffer: GPUBuffer;
    try {
      buffer = this.#device.gpu.createBuffer({
        label,
        size,
        usage: USAGE[use],
        mappedAtCreation: fill !== undefined,
      });
      this.#all.add(buffer);
      this.#bytes += size;
      if (fill !== undefined) into = buffer.getMappedRange();
    } catch (cause) {
      if (this.#device.loss !== undefined) throw this.#device.loss;
      throw new BackendError(`webgpu: expected ${size} bytes for ${label}, got: ${messageOf(cause)}`, {
        cause,
      });
    }
    if (fill !== undefined && into !== undefined) {
      fill(into);
      buffer.unmap();
    }
    return buffer;
  }
}
