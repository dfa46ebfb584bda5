/**
 * Who can take part in Node: our own backends always, the others where somebody installed their runtime beside this
 * package.
 */
import { availableParallelism } from "node:os";
import { onnx } from "@textower/backend-onnx";
import type { OrtModule } from "@textower/backend-onnx";
import { tfjs } from "@textower/backend-tfjs";
import { wasm } from "@textower/backend-wasm";
import { webgpu } from "@textower/backend-webgpu";
import type { Backend, Precision } from "@textower/graph";
import type { Absentee, Contestant } from "../contestant.js";
import { downloadSize } from "./download-size.js";

/** Who takes part, and who cannot. */
export interface Field {
  readonly contestants: readonly Contestant[];
  readonly absent: readonly Absentee[];
}

/** Finds everybody. Runtimes that are installed are loaded by that. */
export async function findContestants(threads = availableParallelism()): Promise<Field> {
  const contestants: Contestant[] = [];
  const absent: Absentee[] = [];
  const add = (
    name: string,
    backend: Backend,
    precisions: readonly Precision[],
    more: Pick<Contestant, "activate" | "downloadBytes"> = {},
  ): void => {
    for (const precision of precisions) {
      const label = precision === "float32" ? name : `${name} ${precision}`;
      contestants.push({ name: label, backend, precision, ...more });
    }
  };
  /** Adds one whose runtime may not be there. */
  const attempt = async (name: string, packages: string, make: () => Promise<void>): Promise<void> => {
    try {
      await make();
    } catch (error) {
      const missing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
      const reason = missing ? `not installed (npm install ${packages})` : `does not load: ${String(error)}`;
      absent.push({ name, reason });
    }
  };

  add(
    "wasm",
    wasm({ threads }),
    ["float32", "float16", "int8"],
    await downloadSize("@textower/backend-wasm"),
  );
  await attempt("onnx on onnxruntime-node", "onnxruntime-node", async () => {
    const ort = (await import("onnxruntime-node")) as unknown as OrtModule;
    add("onnx on onnxruntime-node", onnx({ ort, executionProviders: ["cpu"], threads }), ["float32"]);
  });
  await attempt("onnx on onnxruntime-web, wasm", "onnxruntime-web", async () => {
    const ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = threads;
    add(
      "onnx on onnxruntime-web, wasm",
      onnx({ ort: ort as unknown as OrtModule, executionProviders: ["wasm"] }),
      ["float32"],
      await downloadSize("@textower/backend-onnx", "onnxruntime-web", [
        "dist/ort.min.mjs",
        "dist/ort-wasm-simd-threaded.mjs",
        "dist/ort-wasm-simd-threaded.wasm",
      ]),
    );
  });
  await attempt("tfjs, wasm", "@tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm", async () => {
    const tf = await import("@tensorflow/tfjs-core");
    const { setThreadsCount } = await import("@tensorflow/tfjs-backend-wasm");
    setThreadsCount(threads);
    const activate = async (): Promise<void> => void (await tf.setBackend("wasm"));
    add("tfjs, wasm", tfjs({ tf }), ["float32"], {
      activate,
      ...(await downloadSize("@textower/backend-tfjs", "@tensorflow/tfjs-backend-wasm", [
        "dist/tf-backend-wasm.min.js",
        "dist/tfjs-backend-wasm-simd.wasm",
      ])),
    });
  });
  await attempt("webgpu", "webgpu", async () => {
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    add(
      "webgpu",
      webgpu({ gpu: create([]) }),
      ["float32", "float16", "int8"],
      await downloadSize("@textower/backend-webgpu"),
    );
  });
  return { contestants, absent };
}
