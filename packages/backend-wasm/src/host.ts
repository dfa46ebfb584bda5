/**
 * What the host offers for threads: how many processors, workers, shared memory, and whether this thread may block.
 * The differences between Node and browsers end in this file. Node's modules are looked up at run time, so that a
 * browser bundle has no trace of them.
 */

/** A worker as both hosts have it, as far as the pool needs it. */
export interface HostWorker {
  post(message: unknown): void;
  terminate(): void;
  /** Called for each message, and for an error that ended the worker. */
  listen(onMessage: (message: unknown) => void, onError: (error: unknown) => void): void;
  /** Whether the process stays alive for it; no matter in browsers. */
  hold(alive: boolean): void;
}

/** A Node worker, as far as it is used here. */
interface NodeWorker {
  postMessage(message: unknown): void;
  terminate(): Promise<number>;
  on(event: "message" | "error", listener: (value: unknown) => void): void;
  ref(): void;
  unref(): void;
}

interface NodeModules {
  "node:worker_threads": {
    Worker: new (url: URL, options: { execArgv: string[] }) => NodeWorker;
    parentPort: {
      postMessage(message: unknown): void;
      on(event: string, listener: (value: unknown) => void): void;
    } | null;
  };
  "node:os": { availableParallelism(): number };
}

interface NodeProcess {
  readonly versions?: { readonly node?: string };
  getBuiltinModule?<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined;
}

/** A module of Node, where there is one. */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  const host = (globalThis as { process?: NodeProcess }).process;
  return host?.versions?.node === undefined ? undefined : host.getBuiltinModule?.(name);
}

/** Processors that the host says there are. */
export function processors(): number {
  const cores = nodeModule("node:os")?.availableParallelism();
  return (
    cores ??
    (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ??
    1
  );
}

/** Why there can be no threads here, in words for a user; undefined if there can. */
export function whyNoThreads(): string | undefined {
  if (
    (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === false &&
    nodeModule("node:os") === undefined
  ) {
    return "the page is not cross-origin isolated (COOP same-origin and COEP require-corp)";
  }
  if (typeof SharedArrayBuffer === "undefined") return "the engine has no shared memory";
  if (nodeModule("node:worker_threads") === undefined && typeof Worker === "undefined") {
    return "the host has no workers";
  }
  return undefined;
}

/** Whether this thread may wait for others. A browser's main thread may not. */
export function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0); // 0 is not 1: returns at once
    return true;
  } catch {
    return false;
  }
}

/** Starts `worker.js`. Both forms are written so that bundlers find the file. */
export function startWorker(): HostWorker {
  const node = nodeModule("node:worker_threads");
  if (node !== undefined) {
    const worker = new node.Worker(new URL("./worker.js", import.meta.url), {
      execArgv: [], // those of `node --input-type=module --eval` would stop it
    });
    return {
      post: (message) => worker.postMessage(message),
      terminate: () => void worker.terminate(),
      listen: (onMessage, onError) => {
        worker.on("message", onMessage);
        worker.on("error", onError);
      },
      hold: (alive) => (alive ? worker.ref() : worker.unref()),
    };
  }
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => worker.terminate(),
    listen: (onMessage, onError) => {
      worker.addEventListener("message", (event: MessageEvent<unknown>) => onMessage(event.data));
      worker.addEventListener("error", (event) => onError(event.message));
    },
    hold: () => undefined,
  };
}
