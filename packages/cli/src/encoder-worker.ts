/** The worker of `textower serve`: an encoder on the backend that it is told. Loaded as a worker, never imported. */
import { parentPort, workerData } from "node:worker_threads";
import { serveTextEncoder } from "textower/worker";
import type { ServedPort } from "textower/worker";
import { findBackend } from "./backends.js";
import type { BackendName } from "./backends.js";

const { name, threads } = workerData as { readonly name: BackendName; readonly threads: number };
const found = await findBackend(name, threads);
// Where it is missing, whoever opens an encoder is told that there is none of this name.
serveTextEncoder(parentPort as unknown as ServedPort, {
  backends: "backend" in found ? [found.backend] : [],
});
