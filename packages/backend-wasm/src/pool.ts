/**
 * `ThreadPool`: workers that run one executable's program together with the calling thread, over shared memory.
 * Where the calling thread may not block (a browser's main thread) it only starts runs and awaits them.
 */
import { BackendError } from "@textower/graph";
import { mayBlock, startWorker } from "./host.js";
import type { HostWorker } from "./host.js";
import type { Plan } from "./plan.js";
import { CONTROL_ACTIVE, CONTROL_EPOCH, CONTROL_FAILED, CONTROL_OPEN, CONTROL_STOP } from "./record.js";
import type { Kernels } from "./variants.js";
import type { WorkerMessage, WorkerStart } from "./worker.js";

/** What the threads share. */
interface Shared {
  readonly plan: Plan;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
}

/** Looks at whether the others have left before this thread goes to sleep: some tens of microseconds. */
const SPINS = 2000;
/** Longest sleep, in milliseconds, between looks at whether they have. */
const SLEEP = 10;

/** See the file's head. One per executable. */
export class ThreadPool {
  readonly #shared: Shared;
  readonly #workers: readonly HostWorker[];
  readonly #words: Int32Array;
  readonly #joins: boolean;
  #onReport: ((message: WorkerMessage) => void) | undefined;

  private constructor(shared: Shared, workers: readonly HostWorker[], joins: boolean) {
    this.#shared = shared;
    this.#workers = workers;
    this.#joins = joins;
    this.#words = new Int32Array(shared.memory.buffer as ArrayBufferLike, 0, 256);
  }

  /**
   * Starts workers and waits until each is ready.
   * @param threads - threads that compute; the calling one is among them where it may block
   * Rejects if a worker cannot be started; none is left then.
   */
  static async start(shared: Shared, threads: number): Promise<ThreadPool> {
    const joins = mayBlock();
    const workers: HostWorker[] = [];
    const pool = new ThreadPool(shared, workers, joins);
    try {
      const ready: Promise<void>[] = [];
      for (let thread = joins ? 1 : 0; thread < threads; thread++) {
        const worker = startWorker();
        workers.push(worker);
        ready.push(pool.#setUp(worker, thread));
      }
      await Promise.all(ready);
      for (const worker of workers) worker.hold(false);
      return pool;
    } catch (error) {
      pool.dispose();
      throw error;
    }
  }

  #setUp(worker: HostWorker, thread: number): Promise<void> {
    const { plan, module, memory } = this.#shared;
    const start: WorkerStart = {
      module,
      memory,
      program: plan.program,
      steps: plan.lowered.steps.length,
      scratch: plan.scratch + thread * plan.scratchBytes,
      reports: !this.#joins && thread === 0,
    };
    return new Promise((resolve, reject) => {
      worker.listen(
        (message) => {
          if (message === "ready") resolve();
          else this.#onReport?.(message as WorkerMessage);
        },
        (error) => {
          reject(error);
          this.#fail();
        },
      );
      worker.post(start);
    });
  }

  /**
   * Resolves when no thread is inside the run before: until then its program may not be written over. Its steps are done, or
   * given up, and whoever is still inside only has to walk out; but one that the system keeps waiting takes milliseconds for
   * it. So this comes before the next run, not after the last one, and lets others have the processor. Rejects with
   * BackendError if a thread has failed.
   */
  async settled(): Promise<void> {
    for (let spins = 0; spins < SPINS && this.#load(CONTROL_ACTIVE) !== 0; spins++);
    for (;;) {
      if (this.#load(CONTROL_FAILED) !== 0) throw failed();
      const active = this.#load(CONTROL_ACTIVE);
      if (active === 0) return;
      if (this.#joins) Atomics.wait(this.#words, CONTROL_ACTIVE / 4, active, SLEEP);
      else await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /** Runs the program that stands in memory, once the pool has `settled`. Rejects with BackendError if a thread fails. */
  async run(): Promise<void> {
    const { kernels, plan } = this.#shared;
    this.#store(CONTROL_OPEN, 1);
    Atomics.add(this.#words, CONTROL_EPOCH / 4, 1);
    const report = this.#joins ? undefined : this.#report();
    Atomics.notify(this.#words, CONTROL_EPOCH / 4);
    try {
      if (report === undefined) kernels.share(plan.program, plan.lowered.steps.length, plan.scratch);
      else await report;
    } catch (cause) {
      this.#fail();
      throw failed(cause);
    } finally {
      this.#store(CONTROL_OPEN, 0);
    }
  }

  /** Ends the workers, also in the middle of a run. */
  dispose(): void {
    this.#store(CONTROL_STOP, 1);
    Atomics.add(this.#words, CONTROL_EPOCH / 4, 1);
    Atomics.notify(this.#words, CONTROL_EPOCH / 4);
    for (const worker of this.#workers) worker.terminate();
  }

  /** The next "done" of the worker that reports. */
  #report(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onReport = (message) => {
        if (message === "failed") reject(failed());
        else resolve();
      };
    });
  }

  #fail(): void {
    this.#store(CONTROL_FAILED, 1);
    this.#onReport?.("failed");
  }

  #load(address: number): number {
    return Atomics.load(this.#words, address / 4);
  }

  #store(address: number, value: number): void {
    Atomics.store(this.#words, address / 4, value);
  }
}

function failed(cause?: unknown): BackendError {
  return new BackendError("wasm: expected every thread to finish its part of the run, got a failure", {
    cause,
  });
}
