/**
 * The backends that the command knows, by name. A backend's package is loaded when it is asked for, so that nothing
 * else pays for it.
 */
import type { OrtModule } from "@textower/backend-onnx";
import type { Backend } from "@textower/graph";

/**
 * Names for `--backend`, "auto" aside, in the order in which "auto" tries them:
 *
 * - `wasm` is part of the installation on every platform, uses all threads and has every precision
 * - `onnx` works only where somebody installed `onnxruntime-node`, has a native part to load, and no int8
 * - `reference` works everywhere, and is slow
 */
export const BACKENDS = ["wasm", "onnx", "reference"] as const;

/** See `BACKENDS`. */
export type BackendName = (typeof BACKENDS)[number];

/** A backend, or in words for a user why it cannot work here. */
export type Found = { readonly backend: Backend } | { readonly missing: string };

/** Loads a backend and asks it whether it works here. */
export async function findBackend(name: BackendName, threads: number): Promise<Found> {
  const found = await loadBackend(name, threads);
  if ("missing" in found) return found;
  const support = await found.backend.isSupported();
  return support.supported ? found : { missing: support.reason };
}

async function loadBackend(name: BackendName, threads: number): Promise<Found> {
  switch (name) {
    case "wasm": {
      const { wasm } = await import("@textower/backend-wasm");
      return { backend: wasm({ threads }) };
    }
    case "onnx": {
      const { onnx } = await import("@textower/backend-onnx");
      let ort: OrtModule;
      try {
        ort = await import("onnxruntime-node");
      } catch (error) {
        const absent = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
        const why = absent
          ? "is not installed (npm install onnxruntime-node)"
          : `does not load: ${String(error)}`;
        return { missing: `onnx: onnxruntime-node ${why}` };
      }
      return { backend: onnx({ ort, executionProviders: ["cpu"], threads }) };
    }
    case "reference": {
      const { reference } = await import("@textower/backend-reference");
      return { backend: reference() };
    }
    default:
      return name satisfies never;
  }
}
