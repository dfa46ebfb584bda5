/** `TfjsExecutable`: a graph with its weights on a tfjs backend, run to plain data or to `tf.Tensor`s. */
import { BackendError, checkInputs, InputError, RunQueue, tensor } from "@textower/graph";
import type { Executable, ExecutableInfo, Graph, Inputs, Tensor } from "@textower/graph";
import type * as core from "@tensorflow/tfjs-core";
import { evaluate, isHostTensor } from "./evaluate.js";
import type { DeviceWeights } from "./evaluate.js";
import type { Tfjs } from "./ops.js";

/** Inputs of a run. Float32 matrices may lie on the device; index lists are read on the host and cannot. */
export type TfjsInputs = Readonly<Record<string, Tensor | core.Tensor>>;

/** A compiled graph on TensorFlow.js. */
export interface TfjsExecutable extends Executable {
  /**
   * As `run`, but the results stay on the device, for the ops of the caller's own that follow. Tensors among the inputs
   * stay the caller's. The results are the caller's to dispose of, and live on after `dispose()` of the executable.
   * Rejects as `run` does; with InputError also for an index list that is a `tf.Tensor`.
   * @returns name → float32 tensor [rows, width], one for each output of the graph
   */
  runToTensors(
    inputs: TfjsInputs,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Record<string, core.Tensor>>;
}

/** What `createExecutable` needs. The weights belong to the executable from there on. */
export interface TfjsParts {
  readonly tf: Tfjs;
  /** The tfjs backend that holds the weights: runs take place while it is the active one. */
  readonly device: string;
  readonly graph: Graph;
  readonly weights: DeviceWeights;
  readonly maxRows: number;
  readonly info: ExecutableInfo;
}

/** See `TfjsExecutable`. */
export function createExecutable({ tf, device, graph, weights, maxRows, info }: TfjsParts): TfjsExecutable {
  const queue = new RunQueue("tfjs");

  const compute = (inputs: TfjsInputs): Record<string, core.Tensor> => {
    for (const [name, size] of checkInputs(graph, describe(inputs))) {
      if (size > maxRows) throw new InputError(`tfjs: expected at most ${maxRows} ${name}, got ${size}`);
    }
    const active = tf.getBackend();
    if (active !== device) {
      throw new BackendError(`tfjs: expected the active tfjs backend to be ${device} still, got ${active}`);
    }
    return guard(() => tf.tidy(() => evaluate(tf, graph, weights, inputs)));
  };

  const read = async (inputs: Inputs): Promise<Record<string, Tensor>> => {
    const results = compute(inputs);
    try {
      const outputs: Record<string, Tensor> = {};
      for (const [name, result] of Object.entries(results)) {
        const data = await result.data<"float32">();
        outputs[name] = tensor("float32", result.shape, Float32Array.from(data)); // the CPU backend gives its own array
      }
      return outputs;
    } catch (cause) {
      throw failure(cause);
    } finally {
      tf.dispose(results);
    }
  };

  return {
    info,
    run: (inputs, options) => queue.run(() => read(inputs), options?.signal),
    runToTensors: (inputs, options) => queue.run(() => compute(inputs), options?.signal),
    dispose: () => queue.dispose(() => disposeWeights(weights)),
  };
}

/** Frees every weight. */
export function disposeWeights({ plain, transposed }: DeviceWeights): void {
  for (const weight of [...plain.values(), ...transposed.values()]) weight.dispose();
}

/** The inputs as `checkInputs` sees them. It reads the data of index lists alone, so a device's matrix has only a length. */
function describe(inputs: TfjsInputs): Inputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, given]) => {
      if (isHostTensor(given)) return [name, given];
      if (given.dtype !== "float32") {
        throw new InputError(
          `input ${name}: expected float32 of a tf.Tensor, got ${given.dtype}: pass plain data`,
        );
      }
      const data = { length: given.size } as Float32Array;
      return [name, { dtype: "float32", shape: given.shape, data } satisfies Tensor];
    }),
  );
}

function guard<T>(action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw failure(cause);
  }
}

function failure(cause: unknown): BackendError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new BackendError(`tfjs: expected TensorFlow.js to run the graph, got: ${message}`, { cause });
}
