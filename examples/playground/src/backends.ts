/** Makes the backend that was picked. All but the first one's code, and their runtimes, are loaded when somebody picks them. */
import type { OrtModule } from "@textower/backend-onnx";
import { wasm } from "@textower/backend-wasm";
import type { Backend } from "@textower/graph";
import type { BackendName } from "./protocol.js";

/** @param threads - undefined: as many as there are processors */
export async function makeBackend(name: BackendName, threads: number | undefined): Promise<Backend> {
  switch (name) {
    case "wasm":
      return wasm(threads === undefined ? {} : { threads });
    case "webgpu": {
      const { webgpu } = await import("@textower/backend-webgpu");
      return webgpu();
    }
    case "tfjs": {
      const tf = await import("@tensorflow/tfjs-core");
      const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
      const { tfjs } = await import("@textower/backend-tfjs");
      setWasmPaths({
        "tfjs-backend-wasm.wasm": (
          await import("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url")
        ).default,
        "tfjs-backend-wasm-simd.wasm": (
          await import("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url")
        ).default,
        "tfjs-backend-wasm-threaded-simd.wasm": (
          await import("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url")
        ).default,
      });
      // Its threads copy the text of a function into a worker, which bundlers have renamed by then.
      tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
      await tf.setBackend("wasm");
      return tfjs({ tf });
    }
    case "onnx": {
      const ort = await import("onnxruntime-web/wasm");
      const { onnx } = await import("@textower/backend-onnx");
      if (threads !== undefined) ort.env.wasm.numThreads = threads;
      return onnx({ ort: ort as unknown as OrtModule, executionProviders: ["wasm"] });
    }
    default:
      return name satisfies never;
  }
}
