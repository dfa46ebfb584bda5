/**
 * `encodeToTensor`: embeddings as a `tf.Tensor`, for heads of the caller's own that follow on the device. The encoder is
 * known by what it does, so that this package needs none.
 */
import { BackendError } from "@textower/graph";
import type { Executable, Inputs } from "@textower/graph";
import type * as core from "@tensorflow/tfjs-core";
import type { TfjsExecutable } from "./executable.js";
import type { Matrix, Tfjs } from "./ops.js";

/** What is needed of an encoder: `ClipTextEncoder` of `textower` has it. */
export interface RunPlanner<Prompts> {
  plannedRuns(
    prompts: Prompts,
    options?: { readonly truncate?: boolean; readonly signal?: AbortSignal },
  ): AsyncIterable<{
    readonly executable: Executable;
    readonly inputs: Inputs;
    /** For each row of the result: places of the prompts that it answers. */
    readonly answers: readonly (readonly number[])[];
  }>;
}

/** Options of `encodeToTensor`. */
export interface EncodeToTensorOptions {
  /** Whether rows are scaled to length 1. Default true. */
  readonly normalize?: boolean;
  /** As of `encode`. */
  readonly truncate?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Encodes prompts without reading anything back.
 *
 * @param tf - the module that the encoder's backend was made with
 * @param encoder - an encoder on the tfjs backend, without a prefix cache
 * @returns float32 [prompts, embedDim] in the prompts' order, the caller's to dispose of. Nothing else stays on the device.
 *
 * Rejects with BackendError for an encoder on another backend, for no prompts at all, and as `encode` of the encoder
 * does; but numbers that are not finite are not found, since nobody looks at them.
 * @example
 * const embeddings = await encodeToTensor(tf, encoder, ["a red circle", "a blue star"]);
 * const logits = tf.matMul(embeddings, head); // on the device
 */
export async function encodeToTensor<Prompts>(
  tf: Tfjs,
  encoder: RunPlanner<Prompts>,
  prompts: Prompts,
  { normalize = true, ...options }: EncodeToTensorOptions = {},
): Promise<core.Tensor2D> {
  const parts: Matrix[] = [];
  /** Prompt → row of all parts together. */
  const rows: number[] = [];
  let count = 0;
  try {
    for await (const { executable, inputs, answers } of encoder.plannedRuns(prompts, options)) {
      if (!isTfjsExecutable(executable)) {
        const got = executable.info.backend;
        throw new BackendError(`encodeToTensor: expected an encoder on the tfjs backend, got ${got}`);
      }
      const outputs = await executable.runToTensors(inputs, signalOf(options.signal));
      const { embedding, pooled } = outputs;
      const vectors = embedding ?? pooled;
      for (const output of Object.values(outputs)) if (output !== vectors) output.dispose();
      if (vectors === undefined) {
        throw new BackendError("encodeToTensor: expected an encoder of embeddings, got one of hidden states");
      }
      parts.push(vectors as Matrix);
      answers.forEach((places, row) => {
        for (const place of places) rows[place] = count + row;
      });
      count += answers.length;
    }
    if (parts.length === 0) throw new BackendError("encodeToTensor: expected prompts, got none");
    return tf.tidy(() => {
      const all = parts.length === 1 ? parts[0]! : tf.concat2d(parts, 0); // [different prompts, embedDim]
      const ordered = tf.gather(all, tf.tensor1d(rows, "int32")); // [prompts, embedDim]
      return normalize ? tf.div<Matrix>(ordered, tf.norm(ordered, 2, 1, true)) : ordered;
    });
  } finally {
    for (const part of parts) part.dispose();
  }
}

function isTfjsExecutable(executable: Executable): executable is TfjsExecutable {
  return typeof (executable as Partial<TfjsExecutable>).runToTensors === "function";
}

function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
