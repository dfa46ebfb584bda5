/** `Timer`: how long each kernel of a run took on the device, by timestamp queries. */
import { UnsupportedError } from "@textower/graph";
import type { Buffers } from "./buffers.js";
import type { Device } from "./device.js";

/** What one kernel of a run took. */
export interface KernelTiming {
  /** The op and the node that it computes, as `printGraph` numbers them: `linear %12`. */
  readonly kernel: string;
  /** The way it was computed, such as `tiled 64 × 64, float16`; empty where there is one way. */
  readonly variant: string;
  readonly rows: number;
  /** On the device. Browsers round to 100, unless they are told not to. */
  readonly microseconds: number;
}

/** Most queries of a set (WebGPU, section "Queries"). */
const MOST_QUERIES = 4096;
const MAP_READ = 1;

/** See the file's head. `Buffers` frees what it holds. Queries 2i and 2i + 1 are the beginning and the end of kernel i. */
export class Timer {
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #read: GPUBuffer;
  readonly #bytes: number;

  /** @throws UnsupportedError for a device without timestamps, or a graph of more than 2048 kernels */
  constructor(device: Device, buffers: Buffers, kernels: number) {
    if (!device.gpu.features.has("timestamp-query")) {
      throw new UnsupportedError(
        "webgpu: expected a device with timestamp-query for onTimings, got one without",
      );
    }
    const count = 2 * Math.max(kernels, 1);
    if (count > MOST_QUERIES) {
      throw new UnsupportedError(
        `webgpu: expected at most ${MOST_QUERIES / 2} kernels to time, got ${kernels}`,
      );
    }
    this.#bytes = 8 * count;
    this.#resolved = buffers.make("times", "times", this.#bytes);
    this.#read = buffers.make("times", "read", this.#bytes);
    this.#queries = buffers.timestamps(count);
  }

  /** Where the pass of a kernel writes its times. */
  writes(kernel: number): GPUComputePassTimestampWrites {
    return {
      querySet: this.#queries,
      beginningOfPassWriteIndex: 2 * kernel,
      endOfPassWriteIndex: 2 * kernel + 1,
    };
  }

  /** After the passes of a run. */
  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.#queries, 0, this.#queries.count, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#read, 0, this.#bytes);
  }

  /** Once the run is submitted. @returns microseconds of each kernel; for those that did not run, of no meaning */
  async read(): Promise<number[]> {
    await this.#read.mapAsync(MAP_READ, 0, this.#bytes);
    const nanoseconds = new BigInt64Array(this.#read.getMappedRange(0, this.#bytes));
    const microseconds = Array.from(
      { length: nanoseconds.length / 2 },
      // Clocks of some devices jump back now and then (WebGPU, section "Timestamp Query").
      (_, i) => Math.max(0, Number(nanoseconds[2 * i + 1]! - nanoseconds[2 * i]!)) / 1000,
    );
    this.#read.unmap();
    return microseconds;
  }
}
