/** Workers as hosts have them. The differences between Node and browsers end in this file. */

/**
 * A worker that calls `serveTextEncoder`: a browser's `Worker`, one of `node:worker_threads`, or the port of a
 * `SharedWorker`.
 */
export interface TextEncoderWorker {
  /** `transfer` holds a MessagePort, which browsers and Node each have a type of their own for. */
  postMessage(message: unknown, transfer: never[]): void;
}

/** A worker of `node:worker_threads`, as far as it is used here. */
interface NodeWorker extends TextEncoderWorker {
  on(event: "error", listener: (error: Error) => void): void;
  off(event: "error", listener: (error: Error) => void): void;
  terminate(): Promise<number>;
  ref(): void;
  unref(): void;
}

/** A worker that is this package's own. */
export interface OwnWorker {
  readonly worker: TextEncoderWorker;
  /** Whether the process stays alive for it; no matter in browsers. */
  hold(alive: boolean): void;
  terminate(): void;
}

interface NodeProcess {
  readonly versions?: { readonly node?: string };
  getBuiltinModule?(name: "node:worker_threads"): {
    Worker: new (url: URL, options: { execArgv: string[] }) => NodeWorker;
  };
}

/** Starts the worker that comes with the package. Both forms are written so that bundlers find the file. */
export function startWorker(): OwnWorker {
  // Not imported: bundlers for browsers stop at modules of Node.
  const host = (globalThis as { process?: NodeProcess }).process;
  const threads =
    host?.versions?.node === undefined ? undefined : host.getBuiltinModule?.("node:worker_threads");
  if (threads !== undefined) {
    const worker = new threads.Worker(new URL("./default-worker.js", import.meta.url), {
      execArgv: [], // those of `node --input-type=module --eval` would stop it
    });
    return {
      worker,
      hold: (alive) => (alive ? worker.ref() : worker.unref()),
      terminate: () => void worker.terminate(),
    };
  }
  const worker = new Worker(new URL("./default-worker.js", import.meta.url), { type: "module" });
  return { worker, hold: () => undefined, terminate: () => worker.terminate() };
}

/**
 * Calls back when something in the worker threw and nobody caught it, or when it could not be loaded.
 * @returns a function that stops listening
 */
export function onWorkerError(
  worker: TextEncoderWorker,
  listener: (message: string, cause: unknown) => void,
): () => void {
  if (isNodeWorker(worker)) {
    const onError = (error: Error): void => listener(error.message, error);
    worker.on("error", onError);
    return () => worker.off("error", onError);
  }
  if (!(worker instanceof EventTarget)) return () => undefined;
  // A worker that cannot be loaded gives an event without a message.
  const onError = (event: Event): void =>
    listener((event as ErrorEvent).message ?? "its script did not load", (event as ErrorEvent).error);
  worker.addEventListener("error", onError);
  return () => worker.removeEventListener("error", onError);
}

function isNodeWorker(worker: TextEncoderWorker): worker is NodeWorker {
  return "on" in worker && "threadId" in worker;
}

/** Whether a process stays alive for a port; no matter in browsers. */
export function holdPort(port: MessagePort, alive: boolean): void {
  const nodePort = port as unknown as { ref?(): void; unref?(): void };
  if (alive) nodePort.ref?.();
  else nodePort.unref?.();
}
