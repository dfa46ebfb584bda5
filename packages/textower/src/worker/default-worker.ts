/**
 * The worker that `createWorkerTextEncoder` starts unless it is given one: encoders on WebAssembly. Loaded as a worker,
 * never imported.
 */
import { serveTextEncoder } from "./serve.js";
import type { ServedPort } from "./serve.js";

interface NodeProcess {
  getBuiltinModule?(name: "node:worker_threads"): { parentPort: ServedPort | null };
}

const host = (globalThis as { process?: NodeProcess }).process;
serveTextEncoder(
  host?.getBuiltinModule?.("node:worker_threads").parentPort ?? (globalThis as unknown as ServedPort),
);
