/** `OnnxExecutable`: one session of ONNX Runtime, and the inputs and masks that each run brings. */
import { BackendError, checkInputs, InputError, RunQueue, tensor } from "@textower/graph";
import type { Executable, ExecutableInfo, Graph, Inputs, Tensor } from "@textower/graph";
import type { LoweredGraph, MaskInput } from "./lower.js";
import { buildMask } from "./mask.js";
import type { OrtModule, OrtSession, OrtTensor } from "./ort.js";
import { inTurn, messageOf } from "./session.js";
import type { WeightArray } from "./weights.js";

/** What `OnnxExecutable` is made of. */
export interface OnnxParts {
  readonly ort: OrtModule;
  /** Belongs to the executable from here on, which releases it. */
  readonly session: OrtSession;
  readonly graph: Graph;
  readonly lowered: LoweredGraph;
  /** Weights that every run hands in, by the name of their input; none if the session has its own copies. */
  readonly shared: ReadonlyMap<string, WeightArray>;
  readonly maxRows: number;
  readonly info: ExecutableInfo;
}

/** See the file's head. */
export class OnnxExecutable implements Executable {
  readonly info: ExecutableInfo;
  readonly #parts: Omit<OnnxParts, "shared">;
  readonly #queue = new RunQueue("onnx");
  #weights: Readonly<Record<string, OrtTensor>>;

  constructor({ shared, ...parts }: OnnxParts) {
    this.#parts = parts;
    this.info = parts.info;
    const { ort, lowered } = parts;
    this.#weights = Object.fromEntries(
      lowered.weights.flatMap(({ name, node }) => {
        const data = shared.get(name);
        if (data === undefined) return [];
        const tensor =
          data instanceof Float32Array
            ? new ort.Tensor("float32", data, node.shape)
            : halfTensor(ort, data, node.shape);
        return [[name, tensor]];
      }),
    );
  }

  run(inputs: Inputs, options: { readonly signal?: AbortSignal } = {}): Promise<Record<string, Tensor>> {
    return this.#queue.run(() => this.#run(inputs), options.signal);
  }

  dispose(): Promise<void> {
    return this.#queue.dispose(() => {
      this.#weights = {};
      return this.#parts.session.release();
    });
  }

  async #run(inputs: Inputs): Promise<Record<string, Tensor>> {
    const { ort, graph, lowered, maxRows, session } = this.#parts;
    for (const [name, size] of checkInputs(graph, inputs)) {
      if (size > maxRows) throw new InputError(`onnx: expected at most ${maxRows} ${name}, got ${size}`);
    }
    try {
      const feeds = this.#feeds(inputs);
      const results = await inTurn(ort, () => session.run(feeds));
      const outputs: Record<string, Tensor> = {};
      for (const [name, from] of Object.entries(lowered.outputs)) outputs[name] = await take(results[from]!);
      return outputs;
    } catch (cause) {
      throw new BackendError(`onnx: expected ONNX Runtime to run the graph, got: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  #feeds(inputs: Inputs): Record<string, OrtTensor> {
    const { ort, lowered } = this.#parts;
    const feeds: Record<string, OrtTensor> = { ...this.#weights };
    for (const name of lowered.inputs) {
      const given = inputs[name]!;
      if (given.dtype === "float32") feeds[name] = new ort.Tensor("float32", given.data, given.shape);
      else if (given.dtype === "int32") feeds[name] = new ort.Tensor("int32", given.data, given.shape);
    }
    for (const mask of lowered.masks) {
      const { data, shape } = makeMask(mask, inputs);
      feeds[mask.name] = new ort.Tensor("float32", data, shape);
    }
    return feeds;
  }
}

/**
 * A float16 tensor. Where engines have Float16Array, ONNX Runtime's tensors hold one, which its native part in Node takes
 * for an array of no bytes ("not enough space: expected 40, got 0", onnxruntime-node 1.30 on Node 24). It is handed the bits,
 * as on engines without.
 */
function halfTensor(ort: OrtModule, data: Uint16Array, shape: readonly number[]): OrtTensor {
  const made = new ort.Tensor("float16", data, shape);
  Object.defineProperty(made, "data", { value: data });
  return made;
}

function makeMask(
  { kind, rows, queryRows }: MaskInput,
  inputs: Inputs,
): { data: Float32Array; shape: number[] } {
  const list = inputs[rows]!.data as Int32Array;
  const only = queryRows === undefined ? undefined : (inputs[queryRows]!.data as Int32Array);
  return { data: buildMask(kind, list, only), shape: [only?.length ?? list.length, list.length] };
}

/** A result as the caller's own tensor; what a device holds is freed. */
async function take(result: OrtTensor): Promise<Tensor> {
  const data = (await result.getData()) as Float32Array;
  const own = tensor("float32", result.dims, data);
  result.dispose();
  return own;
}
