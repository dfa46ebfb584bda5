/**
 * onnxruntime-web: the same kernels as WebAssembly. Its threads are a pool of the whole module, set before its first
 * session, so one thread and several are two entry points of the package, each a module of its own with the same
 * `ort-wasm-simd-threaded.wasm`.
 */
import { readFile } from "node:fs/promises";
import { padded, sessionOptions } from "./onnxruntime.mjs";

export async function onnxruntimeWeb({ threads, peer }) {
  const ort = await webRuntime(threads);
  const session = await ort.InferenceSession.create(await readFile(peer), {
    ...sessionOptions,
    executionProviders: ["wasm"],
  });
  const { numThreads } = ort.env.wasm; // what it uses: it corrects the number if there can be no threads
  const notes =
    numThreads === threads ? [] : [`asked for ${threads} threads, onnxruntime-web uses ${numThreads}`];
  const runtime = `onnxruntime-web ${ort.env.versions.web}, wasm`;
  return padded(ort, session, { runtime, threads: numThreads, notes });
}

/** The module with that many threads. */
export async function webRuntime(threads) {
  const ort = threads === 1 ? await import("onnxruntime-web/wasm") : await import("onnxruntime-web");
  if (ort.env.wasm.numThreads > 0 && ort.env.wasm.numThreads !== threads) {
    throw new RangeError(
      `onnxruntime-web has ${ort.env.wasm.numThreads} threads already, asked for ${threads}`,
    );
  }
  ort.env.wasm.numThreads = threads;
  return ort;
}
