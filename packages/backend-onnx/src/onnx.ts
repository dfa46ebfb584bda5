/**
 * `onnx()`: a backend that lowers the graph to an ONNX model in memory and runs it on ONNX Runtime, which the user
 * brings. Nothing is written to disk, nothing global is set. Not here: the lowering (`lower.ts`), the file format (`model-proto.ts`).
 */
import { DEFAULT_MAX_ROWS, UnsupportedError, verify } from "@textower/graph";
import type { Backend, CompileOptions, Executable, Graph, Support, WeightSource } from "@textower/graph";
import { OnnxExecutable } from "./executable.js";
import { lowerGraph } from "./lower.js";
import { encodeModel } from "./model-proto.js";
import { isOrtModule } from "./ort.js";
import type { OrtModule, OrtSessionOptions } from "./ort.js";
import { createSession, describeSession, providersOf } from "./session.js";
import type { SessionChoice } from "./session.js";
import { readWeights } from "./weights.js";
import type { WeightArray } from "./weights.js";

/** Options of `onnx`. */
export interface OnnxOptions extends SessionChoice {
  /** The runtime: the module `onnxruntime-node` or `onnxruntime-web`. */
  readonly ort: OrtModule;
  /**
   * How ONNX Runtime holds the weights. `shared`: it reads the arrays where they are, on every run, and there is no
   * second copy. `packed`: it copies them while compiling and lays them out for its kernels, which needs twice to three
   * times their size for a while. Default: `shared` on the CPU provider of onnxruntime-node, and `packed` elsewhere,
   * since every run would have to copy what is not in the provider's own memory. The README has the measurements.
   */
  readonly weights?: "shared" | "packed";
}

/**
 * The ONNX backend, named "onnx". Precisions: float32, and float16, where the weights of linear layers are stored in half
 * the bytes and widened by ONNX Runtime; products and sums are float32.
 * @example
 * import * as ort from "onnxruntime-node";
 * const backend = onnx({ ort, executionProviders: ["cpu"], threads: 2 });
 */
export function onnx(options: OnnxOptions): Backend {
  return {
    name: "onnx",
    preferredRows: 128, // attention here is over all rows of a run, whatever they can see
    isSupported: () => Promise.resolve(support(options)),
    compile: (graph, weights, compileOptions) => compile(options, graph, weights, compileOptions),
  };
}

function support(options: OnnxOptions): Support {
  if (isOrtModule(options?.ort)) return { supported: true };
  const reason =
    "onnx: expected `ort` to be the module onnxruntime-node or onnxruntime-web, got something else";
  return { supported: false, reason };
}

async function compile(
  options: OnnxOptions,
  graph: Graph,
  weights: WeightSource,
  { precision = "float32", maxRows = DEFAULT_MAX_ROWS, signal, onProgress }: CompileOptions = {},
): Promise<Executable> {
  verify(graph);
  if (precision === "int8") {
    throw new UnsupportedError(`onnx: expected precision float32 or float16, got ${precision}`);
  }
  const supported = support(options);
  if (!supported.supported) throw new UnsupportedError(supported.reason);
  const form = (options.weights ?? defaultWeights(options)) === "shared" ? "input" : "initializer";
  const lowered = lowerGraph(graph, form, precision);
  const model = encodeModel(lowered.onnx);
  const arrays = await readWeights(lowered, weights, signal, onProgress);
  const memoryBytes = [...arrays.values()].reduce((bytes, { byteLength }) => bytes + byteLength, 0);
  signal?.throwIfAborted();
  const session = await createSession(
    options.ort,
    model,
    options,
    externalData(form === "initializer" ? arrays : new Map()),
  );
  if (signal?.aborted) {
    await session.release();
    signal.throwIfAborted();
  }
  const info = { ...describeSession(options.ort, options), backend: "onnx", precision, memoryBytes } as const;
  const shared = form === "input" ? arrays : new Map<string, WeightArray>();
  return new OnnxExecutable({ ort: options.ort, session, graph, lowered, shared, maxRows, info });
}

function externalData(arrays: ReadonlyMap<string, WeightArray>): OrtSessionOptions {
  if (arrays.size === 0) return {};
  const files = [...arrays].map(([path, { buffer, byteOffset, byteLength }]) => ({
    path,
    data: new Uint8Array(buffer, byteOffset, byteLength),
  }));
  return { externalData: files };
}

function defaultWeights(options: OnnxOptions): "shared" | "packed" {
  const native = options.ort.env?.versions?.node !== undefined;
  return native && providersOf(options.ort, options).every((name) => name === "cpu") ? "shared" : "packed";
}
