/**
 * `tfjs()`: a backend that runs the graph as ops of TensorFlow.js, which the user brings with whichever of its backends
 * is active. Nothing is registered and no tfjs backend is chosen here.
 */
import { BackendError, DEFAULT_MAX_ROWS, toFloat32, UnsupportedError, verify } from "@textower/graph";
import type { Backend, CompileOptions, Graph, NodeId, Support, WeightSource } from "@textower/graph";
import type * as core from "@tensorflow/tfjs-core";
import { createExecutable, disposeWeights } from "./executable.js";
import type { TfjsExecutable } from "./executable.js";
import type { Matrix, Tfjs } from "./ops.js";

/** Options of `tfjs`. */
export interface TfjsOptions {
  /** The module `@tensorflow/tfjs-core` or `@tensorflow/tfjs`, with a tfjs backend registered. */
  readonly tf: Tfjs;
}

/** A backend whose executables can leave results on the device. */
export interface TfjsBackend extends Backend {
  compile(graph: Graph, weights: WeightSource, options?: CompileOptions): Promise<TfjsExecutable>;
}

/**
 * The TensorFlow.js backend, named "tfjs". float32 only. An executable stays on the tfjs backend that was active while
 * it was compiled.
 * @example
 * import * as tf from "@tensorflow/tfjs-core";
 * import "@tensorflow/tfjs-backend-wasm";
 * await tf.setBackend("wasm");
 * const backend = tfjs({ tf });
 */
export function tfjs(options: TfjsOptions): TfjsBackend {
  return {
    name: "tfjs",
    preferredRows: 128, // attention here is over all rows of a run, whatever they can see
    isSupported: () => support(options),
    compile: (graph, weights, compileOptions) => compile(options, graph, weights, compileOptions),
  };
}

async function support({ tf }: TfjsOptions): Promise<Support> {
  if (typeof tf?.tidy !== "function" || typeof tf.ready !== "function") {
    const reason = "tfjs: expected `tf` to be the module @tensorflow/tfjs-core, got something else";
    return { supported: false, reason };
  }
  try {
    await tf.ready();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return { supported: false, reason: `tfjs: expected a tfjs backend that works here, got: ${message}` };
  }
  // Without float32 textures WebGL computes in float16, which is not what float32 promises.
  if (tf.getBackend() === "webgl" && !tf.env().getBool("WEBGL_RENDER_FLOAT32_ENABLED")) {
    return { supported: false, reason: "tfjs: expected WebGL with float32 textures, got float16 ones" };
  }
  return { supported: true };
}

async function compile(
  options: TfjsOptions,
  graph: Graph,
  source: WeightSource,
  { precision = "float32", maxRows = DEFAULT_MAX_ROWS, signal, onProgress }: CompileOptions = {},
): Promise<TfjsExecutable> {
  verify(graph);
  if (precision !== "float32") {
    throw new UnsupportedError(`tfjs: expected precision float32, got ${precision}`);
  }
  const supported = await support(options);
  if (!supported.supported) throw new UnsupportedError(supported.reason);
  const { tf } = options;
  const device = tf.getBackend();
  const nodes = graph.nodes.flatMap((node, id) => (node.op === "weight" ? [{ node, id }] : []));
  const uses = weightUses(graph);
  const weights = { plain: new Map<NodeId, core.Tensor>(), transposed: new Map<NodeId, Matrix>() };
  let [loaded, memoryBytes] = [0, 0];
  try {
    for (const { node, id } of nodes) {
      signal?.throwIfAborted();
      const data = toFloat32(await source.read(node.source, node.rows, signal));
      const count = node.shape.reduce((product, size) => product * size, 1);
      if (data.length !== count) {
        throw new UnsupportedError(
          `tfjs: expected ${count} elements of ${node.source}, got ${data.length} from the source`,
        );
      }
      const held = upload(tf, data, node.shape, uses.multiplied.has(id), uses.other.has(id));
      if (held.plain !== undefined) weights.plain.set(id, held.plain);
      if (held.transposed !== undefined) weights.transposed.set(id, held.transposed);
      memoryBytes += data.byteLength * Object.keys(held).length;
      onProgress?.({ loaded: ++loaded, total: nodes.length });
    }
    signal?.throwIfAborted();
  } catch (error) {
    disposeWeights(weights);
    throw error;
  }
  const info = {
    backend: "tfjs",
    device: `${device} (tfjs ${tf.version_core})`,
    precision,
    threads: 1,
    memoryBytes,
    notes: device === "wasm" ? ["tfjs's wasm backend decides on threads itself and does not tell"] : [],
  } as const;
  return createExecutable({ tf, device, graph, weights, maxRows, info });
}

/** Takes a weight over in the forms that the graph uses. A weight that nothing uses is not kept. */
function upload(
  tf: Tfjs,
  data: Float32Array,
  shape: readonly number[],
  multiplied: boolean,
  other: boolean,
): { plain?: core.Tensor; transposed?: Matrix } {
  try {
    return tf.tidy(() => {
      const plain = tf.tensor(data, [...shape], "float32");
      const transposed = multiplied ? { transposed: tf.transpose(plain) as Matrix } : {}; // [in, out]
      return other ? { plain, ...transposed } : transposed;
    });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new BackendError(`tfjs: expected room for a weight [${shape.join(", ")}], got: ${message}`, {
      cause,
    });
  }
}

/** Which weights are the matrix of a `linear`, and which are used in any other way. */
function weightUses(graph: Graph): { multiplied: ReadonlySet<NodeId>; other: ReadonlySet<NodeId> } {
  const multiplied = new Set<NodeId>();
  const other = new Set<NodeId>(Object.values(graph.outputs));
  for (const node of graph.nodes) {
    switch (node.op) {
      case "input":
      case "weight":
        break;
      case "linear":
        multiplied.add(node.weight);
        other.add(node.x);
        if (node.bias !== undefined) other.add(node.bias);
        break;
      case "gather":
      case "gelu":
        other.add(node.x);
        break;
      case "layerNorm":
        for (const id of [node.x, node.weight, node.bias]) other.add(id);
        break;
      case "add":
      case "concat":
        for (const id of [node.a, node.b]) other.add(id);
        break;
      case "attention":
        for (const { node: id } of [node.query, node.key, node.value]) other.add(id);
        break;
      default:
        node satisfies never;
    }
  }
  return { multiplied, other };
}
