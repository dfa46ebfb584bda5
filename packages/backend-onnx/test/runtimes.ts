/** Both packages of ONNX Runtime, as a user would hand them in. onnxruntime-web runs its wasm provider in Node. */
import type { Backend } from "@textower/graph";
import * as ortNode from "onnxruntime-node";
import * as ortWeb from "onnxruntime-web";
import { onnx } from "../src/index.js";

ortWeb.env.wasm.numThreads = 1;

const cpu = { ort: ortNode, executionProviders: ["cpu"], threads: 2 };

/** Each way to hold weights on each runtime that it is for. `make` returns a new backend. */
export const runtimes: readonly { readonly name: string; readonly make: () => Backend }[] = [
  { name: "onnxruntime-node, shared weights", make: () => onnx(cpu) },
  { name: "onnxruntime-node, packed weights", make: () => onnx({ ...cpu, weights: "packed" }) },
  { name: "onnxruntime-web", make: () => onnx({ ort: ortWeb, executionProviders: ["wasm"] }) },
];
