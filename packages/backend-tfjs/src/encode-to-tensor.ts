/**
 * `encodeToTensor`: embeddings as a `tf.Tensor`, for heads of the caller's own that follow on the device. The encoder is
 * known by what it does, so that this package needs none.
 */
import { BackendError } from "@textower/graph";
import type { Executable, Inputs } from "@textower/graph";
import type * as core from "@tensorflow/tfjs-core";
import type { TfjsExecutable } from "./executable.js";
import type { Matrix, Tfjs } from "./ops.js";

/** What becomes of texts that are too long, as of `encode` of the encoder. */
export interface LongTextOptions {
  /** An error (default), cut, or encoded in windows of which the vector is the mean. */
  readonly longText?: "error" | "truncate" | "windows";
  /** Tokens that neighbouring windows have in common. Default 0. */
  readonly windowOverlap?: number;
}

/** What is needed of an encoder: `ClipTextEncoder` of `textower` has it. */
export interface RunPlanner<Prompts> {
  plannedRuns(
    prompts: Prompts,
    options?: LongTextOptions & { readonly signal?: AbortSignal },
  ): AsyncIterable<{
    readonly executable: Executable;
    readonly inputs: Inputs;
    /** For each row of the result: places of the prompts that it answers. Several rows of one prompt are its windows. */
    readonly answers: readonly (readonly number[])[];
  }>;
}

/** Options of `encodeToTensor`. */
export interface EncodeToTensorOptions extends LongTextOptions {
  /** Whether rows are scaled to length 1; of a prompt in windows, before and after their mean is taken. Default true. */
  readonly normalize?: boolean;
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
  /** Prompt → rows of all parts together, one a window. */
  const rows: number[][] = [];
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
        for (const place of places) (rows[place] ??= []).push(count + row);
      });
      count += answers.length;
    }
    if (parts.length === 0) throw new BackendError("encodeToTensor: expected prompts, got none");
    return tf.tidy(() => {
      const all = parts.length === 1 ? parts[0]! : tf.concat2d(parts, 0); // [different windows, embedDim]
      return meansOfRows(tf, normalize ? unit(tf, all) : all, rows, normalize);
    });
  } finally {
    for (const part of parts) part.dispose();
  }
}

/** The mean of each prompt's rows: a round of gathering for each window there is. [prompts, embedDim] */
function meansOfRows(
  tf: Tfjs,
  all: Matrix,
  rows: readonly (readonly number[])[],
  normalize: boolean,
): Matrix {
  const gather = (matrix: Matrix, window: number, none: number): Matrix =>
    tf.gather(
      matrix,
      tf.tensor1d(
        rows.map((some) => some[window] ?? none),
        "int32",
      ),
    );
  const most = rows.reduce((most, { length }) => Math.max(most, length), 0);
  if (most === 1) return gather(all, 0, 0);
  const [count, width] = all.shape;
  const padded = tf.concat2d([all, tf.zeros<core.Rank.R2>([1, width])], 0); // the last row is nobody's
  let sums = gather(padded, 0, count);
  for (let window = 1; window < most; window++) sums = tf.add(sums, gather(padded, window, count));
  const windows = rows.map(({ length }) => length);
  const means = tf.div<Matrix>(sums, tf.tensor2d(windows, [windows.length, 1]));
  return normalize ? unit(tf, means) : means;
}

/** Rows scaled to length 1. */
function unit(tf: Tfjs, rows: Matrix): Matrix {
  return tf.div<Matrix>(rows, tf.norm(rows, 2, 1, true));
}

function isTfjsExecutable(executable: Executable): executable is TfjsExecutable {
  return typeof (executable as Partial<TfjsExecutable>).runToTensors === "function";
}

function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
