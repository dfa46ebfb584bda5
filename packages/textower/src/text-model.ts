/**
 * `TextModel`: a whole text model, tokens in and vectors out, that somebody else built. `createTextEncoder` takes one
 * instead of a checkpoint; what the facade promises (order, duplicates, normalisation, checks) holds for it as well.
 */
import type { ExecutableInfo } from "@textower/graph";
import type { ModelSource } from "./model-source.js";

/** See the file's head. `onnxTextModel` of `@textower/backend-onnx` makes them of published ONNX files. */
export interface TextModel {
  /** Shown to users. */
  readonly name: string;
  /** Most tokens of a prompt, start and end of text included. */
  readonly contextLength: number;
  /** Size of an embedding. */
  readonly embedDim: number;
  /** What it runs on. */
  readonly info: ExecutableInfo;
  /**
   * Encodes prompts together; they come sorted by length, so that padding costs little.
   * @param prompts - ids of each, start and end of text included, no padding; read only
   * @returns [prompts, embedDim], not normalised; the caller owns it
   */
  encode(
    prompts: readonly ArrayLike<number>[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<Float32Array>;
  /** Frees everything. Twice is harmless. */
  dispose(): Promise<void>;
}

/** Whether what was given as `model` is one. */
export function isTextModel(model: ModelSource | TextModel): model is TextModel {
  return (
    typeof model === "object" &&
    "encode" in model &&
    "embedDim" in model &&
    typeof model.encode === "function"
  );
}
