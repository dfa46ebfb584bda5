/**
 * A thread of the pool. It is told once what to run, then sleeps on the epoch and joins each run that is open. It never
 * returns to its event loop; `terminate` ends it.
 */
import { CONTROL_ACTIVE, CONTROL_EPOCH, CONTROL_FAILED, CONTROL_OPEN, CONTROL_STOP } from "./record.js";

/** The message that sets a worker up. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly program: number;
  readonly steps: number;
  /** This thread's own scratch. */
  readonly scratch: number;
  /** Whether it posts "done" after each run, for a caller that may not block. */
  readonly reports: boolean;
}

/** What a worker posts. */
export type WorkerMessage = "ready" | "done" | "failed";

/** Looks at the epoch before it goes to sleep: runs often follow one another closely. */
const SPINS = 2000;

interface Port {
  postMessage(message: WorkerMessage): void;
}

function work(start: WorkerStart, port: Port): void {
  const { module, memory, program, steps, scratch, reports } = start;
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports;
  const share = exports["share"] as (program: number, steps: number, scratch: number) => void;
  const words = new Int32Array(memory.buffer as ArrayBufferLike, 0, 256);
  const word = (address: number): number => address / 4;

  let seen = Atomics.load(words, word(CONTROL_EPOCH));
  port.postMessage("ready");
  for (;;) {
    for (let i = 0; i < SPINS && Atomics.load(words, word(CONTROL_EPOCH)) === seen; i++);
    Atomics.wait(words, word(CONTROL_EPOCH), seen);
    if (Atomics.load(words, word(CONTROL_STOP)) !== 0) return;
    seen = Atomics.load(words, word(CONTROL_EPOCH));
    Atomics.add(words, word(CONTROL_ACTIVE), 1);
    let message: WorkerMessage = "done";
    if (Atomics.load(words, word(CONTROL_OPEN)) !== 0) {
      try {
        share(program, steps, scratch);
      } catch {
        Atomics.store(words, word(CONTROL_FAILED), 1);
        message = "failed";
      }
    }
    if (Atomics.sub(words, word(CONTROL_ACTIVE), 1) === 1) Atomics.notify(words, word(CONTROL_ACTIVE));
    if (reports || message === "failed") port.postMessage(message);
  }
}

/** As in `host.ts`, but nothing is imported beyond constants: this file is loaded once per thread. */
function listen(): void {
  interface NodePort extends Port {
    once(event: "message", listener: (start: WorkerStart) => void): void;
  }
  const host = (
    globalThis as { process?: { getBuiltinModule?(name: string): { parentPort: NodePort | null } } }
  ).process;
  const port = host?.getBuiltinModule?.("node:worker_threads")?.parentPort;
  if (port) {
    port.once("message", (start) => work(start, port));
    return;
  }
  const scope = globalThis as unknown as Port & EventTarget;
  const onMessage = (event: Event): void => work((event as MessageEvent<WorkerStart>).data, scope);
  scope.addEventListener("message", onMessage, { once: true });
}

listen();
