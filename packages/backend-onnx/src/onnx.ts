/**
 * `onnx()`: a backend that lowers the graph to an ONNX model in memory and runs it on ONNX Runtime, which the user
 * brings. Nothing is written to disk, nothing global is set. Not here: the lowering (`lower.ts`), the file format (`model-proto.ts`).
 */
import { BackendError, DEFAULT_MAX_ROWS, toFloat32, UnsupportedError, verify } from "@textower/graph";
import type { Backend, CompileOptions, Executable, Graph, Support, WeightSource } from "@textower/graph";
import { OnnxExecutable } from "./executable.js";
import { lowerGraph } from "./lower.js";
import type { LoweredGraph } from "./lower.js";
import { encodeModel } from "./model-proto.js";
import { describeOrt, isOrtModule } from "./ort.js";
import type { ExecutionProvider, OrtModule, OrtSession, OrtSessionOptions } from "./ort.js";

/** Options of `onnx`. */
export interface OnnxOptions {
  /** The runtime: the module `onnxruntime-node` or `onnxruntime-web`. */
  readonly ort: OrtModule;
  /** In order of preference, as ONNX Runtime takes them. Default: whatever the runtime prefers ("cpu", "wasm"). */
  readonly executionProviders?: readonly ExecutionProvider[];
  /**
   * Threads within an op. Default: the runtime's own choice. onnxruntime-web has one pool for all sessions and takes
   * its size from `ort.env.wasm.numThreads`, not from here.
   */
  readonly threads?: number;
  /**
   * How ONNX Runtime holds the weights. `shared`: it reads the arrays where they are, on every run, and there is no
   * second copy. `packed`: it copies them while compiling and lays them out for its kernels, which needs twice to three
   * times their size for a while. Default: `shared` on the CPU provider of onnxruntime-node, and `packed` elsewhere,
   * since every run would have to copy what is not in the provider's own memory. The README has the measurements.
   */
  readonly weights?: "shared" | "packed";
  /** Further session options, passed on as they are; they win over what this package sets. */
  readonly sessionOptions?: OrtSessionOptions;
}

/**
 * The ONNX backend, named "onnx". float32 only.
 * @example
 * import * as ort from "onnxruntime-node";
 * const backend = onnx({ ort, executionProviders: ["cpu"], threads: 2 });
 */
export function onnx(options: OnnxOptions): Backend {
  return {
    name: "onnx",
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
  if (precision !== "float32") {
    throw new UnsupportedError(`onnx: expected precision float32, got ${precision}`);
  }
  const supported = support(options);
  if (!supported.supported) throw new UnsupportedError(supported.reason);
  const form = (options.weights ?? defaultWeights(options)) === "shared" ? "input" : "initializer";
  const lowered = lowerGraph(graph, form);
  const model = encodeModel(lowered.onnx);
  const arrays = await readWeights(lowered, weights, signal, onProgress);
  const memoryBytes = [...arrays.values()].reduce((bytes, { byteLength }) => bytes + byteLength, 0);
  signal?.throwIfAborted();
  const session = await createSession(options, model, form === "initializer" ? arrays : new Map());
  if (signal?.aborted) {
    await session.release();
    signal.throwIfAborted();
  }
  const info = { ...describe(options), backend: "onnx", precision: "float32", memoryBytes } as const;
  const shared = form === "input" ? arrays : new Map<string, Float32Array>();
  return new OnnxExecutable({ ort: options.ort, session, graph, lowered, shared, maxRows, info });
}

/** Reads each weight, in order. @returns name in the ONNX graph → float32 elements */
async function readWeights(
  { weights: wanted }: LoweredGraph,
  weights: WeightSource,
  signal: AbortSignal | undefined,
  onProgress: CompileOptions["onProgress"],
): Promise<Map<string, Float32Array>> {
  const arrays = new Map<string, Float32Array>();
  for (const { node, name } of wanted) {
    signal?.throwIfAborted();
    const data = toFloat32(await weights.read(node.source, node.rows, signal));
    const count = node.shape.reduce((product, size) => product * size, 1);
    if (data.length !== count) {
      throw new UnsupportedError(
        `onnx: expected ${count} elements of ${node.source}, got ${data.length} from the source`,
      );
    }
    arrays.set(name, data);
    onProgress?.({ loaded: arrays.size, total: wanted.length });
  }
  return arrays;
}

async function createSession(
  { ort, executionProviders, threads, sessionOptions }: OnnxOptions,
  model: Uint8Array,
  files: ReadonlyMap<string, Float32Array>,
): Promise<OrtSession> {
  const externalData = [...files].map(([path, { buffer, byteOffset, byteLength }]) => ({
    path,
    data: new Uint8Array(buffer, byteOffset, byteLength),
  }));
  try {
    return await ort.InferenceSession.create(model, {
      ...(executionProviders === undefined ? {} : { executionProviders }),
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      ...sessionOptions,
      ...(externalData.length === 0 ? {} : { externalData }),
    });
  } catch (cause) {
    throw new BackendError(`onnx: expected a session of ${describeOrt(ort)}, got: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Names of the providers that will be asked. */
function providersOf({ ort, executionProviders, sessionOptions }: OnnxOptions): string[] {
  const asked = sessionOptions?.executionProviders ?? executionProviders ?? [];
  if (asked.length === 0) return [isWeb(ort) ? "wasm" : "cpu"];
  return asked.map((provider) => (typeof provider === "string" ? provider : provider.name));
}

function isWeb({ env }: OrtModule): boolean {
  return env?.versions?.web !== undefined;
}

function defaultWeights(options: OnnxOptions): "shared" | "packed" {
  const native = options.ort.env?.versions?.node !== undefined;
  return native && providersOf(options).every((name) => name === "cpu") ? "shared" : "packed";
}

/** What the executable says about where it runs. */
function describe(options: OnnxOptions): { device: string; threads: number; notes: string[] } {
  const { ort, sessionOptions } = options;
  const device = `${providersOf(options).join(", ")} (${describeOrt(ort)})`;
  const asked = sessionOptions?.intraOpNumThreads ?? options.threads;
  if (isWeb(ort)) {
    const pool = ort.env?.wasm?.numThreads || 1;
    const ignored = asked !== undefined && asked !== pool;
    const notes = ignored ? [`onnxruntime-web takes its threads from ort.env.wasm.numThreads: ${pool}`] : [];
    return { device, threads: pool, notes };
  }
  if (asked !== undefined && asked > 0) return { device, threads: asked, notes: [] };
  const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
  return {
    device,
    threads: cores,
    notes: ["ONNX Runtime chooses its own number of threads; set `threads` to know it"],
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
