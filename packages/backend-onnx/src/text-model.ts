/**
 * `onnxTextModel`: a CLIP text model in ONNX as published for transformers.js, `input_ids` (and perhaps `attention_mask`)
 * → `text_embeds`, as something that `createTextEncoder({ model })` takes. The model is a black box: prompts are padded,
 * and nothing is shared between them.
 *
 * Not here: text, normalisation, order, duplicates. They are the encoder's.
 */
import { BackendError, InputError, RunQueue } from "@textower/graph";
import type { ExecutableInfo } from "@textower/graph";
import { isOrtModule } from "./ort.js";
import type { OrtModule, OrtSession, OrtTensor, OrtValueMetadata } from "./ort.js";
import { createSession, describeSession, inTurn, messageOf } from "./session.js";
import type { SessionChoice } from "./session.js";

/** Options of `onnxTextModel`: what the session runs on, and what a file may not say of itself. */
export interface OnnxTextModelOptions extends SessionChoice {
  /** Shown to users. Default: the last part of the path, or "model.onnx". */
  readonly name?: string;
  /** Most tokens of a prompt. Default: the fixed length of `input_ids`, or CLIP's 77. */
  readonly contextLength?: number;
  /**
   * Whether every prompt is padded to the whole context, as towers without causal mask want (MobileCLIP S0 to S4).
   * Default false: to the longest of its batch, unless the length of `input_ids` is fixed.
   */
  readonly fullContext?: boolean;
  /** Fills up shorter prompts. Default 0, as `clip.tokenize` does. */
  readonly padId?: number;
}

/** What a model has that it should not have, or lacks. */
export type OnnxModelErrorCode = "no-metadata" | "inputs" | "outputs" | "context-length";

/** A model that does not have the interface of a CLIP text model with projection. */
export class OnnxModelError extends Error {
  override readonly name = "OnnxModelError";

  constructor(
    readonly code: OnnxModelErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** A text model that is ready to run. Holds the runtime's memory until `dispose()`. */
export interface OnnxTextModel {
  readonly name: string;
  readonly contextLength: number;
  /** Size of an embedding. */
  readonly embedDim: number;
  readonly info: ExecutableInfo;
  /**
   * Vectors as the model gives them, not normalised. Calls run one after another.
   *
   * Rejects with InputError for a prompt of no or too many tokens, BackendError if the runtime fails (an id outside the
   * vocabulary is one reason), DisposedError, or the signal's reason.
   * @param prompts - ids of each, start and end of text included, no padding
   * @returns [prompts, embedDim], which the caller owns
   */
  encode(
    prompts: readonly ArrayLike<number>[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Context of nearly all CLIP text towers: openai/CLIP, `clip/clip.py`, `context_length`. */
const CLIP_CONTEXT_LENGTH = 77;

/**
 * Opens a text model.
 *
 * @param ort - the runtime: the module `onnxruntime-node` or `onnxruntime-web`, 1.21 or later
 * @param source - a path or URL, as the runtime takes it, or the file's bytes. Data beside a model in bytes, or behind a
 *   URL, go into `sessionOptions.externalData`
 *
 * Rejects with TypeError for an `ort` that is no runtime, BackendError if the runtime does not take the model, and
 * OnnxModelError for a model with another interface. Nothing stays open then.
 * @example
 * const model = await onnxTextModel(ort, "clip-vit-base-patch32/onnx/text_model.onnx");
 * const encoder = await createTextEncoder({ model });
 */
export async function onnxTextModel(
  ort: OrtModule,
  source: string | Uint8Array,
  options: OnnxTextModelOptions = {},
): Promise<OnnxTextModel> {
  if (!isOrtModule(ort)) {
    throw new TypeError(
      "onnxTextModel: expected the module onnxruntime-node or onnxruntime-web, got something else",
    );
  }
  const name =
    options.name ?? (typeof source === "string" ? /[^/\\]*$/.exec(source)![0] : undefined) ?? "model.onnx";
  const session = await createSession(ort, source, options);
  try {
    const found = interfaceOf(name, session, options);
    const info = {
      ...describeSession(ort, options),
      backend: "onnx",
      precision: "float32",
      memoryBytes: 0,
    } as const;
    const runner = new BatchRunner(ort, session, found);
    const embedDim = found.embedDim ?? (await runner.measure());
    return new SessionTextModel(name, embedDim, info, found.contextLength, runner);
  } catch (error) {
    await session.release();
    throw error;
  }
}

type IdType = "int32" | "int64";

/** What a model's inputs and outputs say. */
interface ModelInterface {
  readonly name: string;
  /** `input_ids`, `attention_mask`. */
  readonly inputs: readonly { readonly name: string; readonly type: IdType }[];
  /** If every run has to have this many prompts. */
  readonly batch: number | undefined;
  /** If every prompt has to have this many tokens. */
  readonly sequence: number | undefined;
  readonly contextLength: number;
  readonly embedDim: number | undefined;
  readonly padId: number;
}

/** @throws OnnxModelError */
function interfaceOf(name: string, session: OrtSession, options: OnnxTextModelOptions): ModelInterface {
  const { inputMetadata, outputMetadata } = session;
  const refuse = (code: OnnxModelErrorCode, expected: string, got: string): never => {
    throw new OnnxModelError(code, `onnxTextModel: ${name}: expected ${expected}, got ${got}`);
  };
  if (inputMetadata === undefined || outputMetadata === undefined) {
    return refuse("no-metadata", "a runtime that tells a model's inputs, 1.21 or later", "an older one");
  }
  const isIds = ({ isTensor, type, shape }: OrtValueMetadata): boolean =>
    isTensor && (type === "int64" || type === "int32") && shape?.length === 2;
  const ids = inputMetadata.find((value) => value.name === "input_ids");
  const wrong = inputMetadata.find(
    (value) => !["input_ids", "attention_mask"].includes(value.name) || !isIds(value),
  );
  if (ids === undefined || wrong !== undefined) {
    const expected = "the inputs input_ids and perhaps attention_mask, int64 or int32 [batch, sequence]";
    return refuse("inputs", expected, inputMetadata.map(described).join(", "));
  }
  const embeddings = outputMetadata.find((value) => value.name === "text_embeds");
  if (embeddings?.type !== "float32" || embeddings.shape?.length !== 2) {
    const expected = "the output text_embeds, float32 [batch, embedDim], of a text model with projection";
    return refuse("outputs", expected, outputMetadata.map(described).join(", "));
  }
  const [batch, length] = ids.shape!.map(fixed);
  const contextLength = options.contextLength ?? length ?? CLIP_CONTEXT_LENGTH;
  if (
    !Number.isInteger(contextLength) ||
    contextLength < 1 ||
    (length !== undefined && length !== contextLength)
  ) {
    return refuse("context-length", `a context of ${length ?? "1 or more"} tokens`, `${contextLength}`);
  }
  return {
    name,
    inputs: inputMetadata.map((value) => ({ name: value.name, type: value.type as IdType })),
    batch,
    sequence: length ?? (options.fullContext === true ? contextLength : undefined),
    contextLength,
    embedDim: fixed(embeddings.shape[1]!),
    padId: options.padId ?? 0,
  };
}

function fixed(size: number | string): number | undefined {
  return typeof size === "number" && size > 0 ? size : undefined;
}

function described({ name, type = "no tensor", shape = [] }: OrtValueMetadata): string {
  return `${name} ${type} [${shape.join(", ")}]`;
}

/** Prompts as padded batches, one run of the session each. */
class BatchRunner {
  constructor(
    readonly ort: OrtModule,
    readonly session: OrtSession,
    readonly model: ModelInterface,
  ) {}

  /** Size of an embedding, of a model that only shows it when it runs. */
  async measure(): Promise<number> {
    return (await this.run([[this.model.padId]])).width;
  }

  /** Runs prompts together. A batch of fixed size is filled up with the last one. */
  async run(prompts: readonly ArrayLike<number>[]): Promise<{ data: Float32Array; width: number }> {
    const { name, batch = prompts.length, sequence, padId, inputs } = this.model;
    const longest = sequence ?? Math.max(...prompts.map(({ length }) => length));
    const ids = new Int32Array(batch * longest).fill(padId); // [batch, longest]
    const mask = new Int32Array(batch * longest); // [batch, longest]
    for (let row = 0; row < batch; row++) {
      const prompt = prompts[Math.min(row, prompts.length - 1)]!;
      ids.set(prompt, row * longest);
      mask.fill(1, row * longest, row * longest + prompt.length);
    }
    const feeds = Object.fromEntries(
      inputs.map((input) => [
        input.name,
        this.#tensor(input.type, input.name === "input_ids" ? ids : mask, [batch, longest]),
      ]),
    );
    try {
      const results = await inTurn(this.ort, () => this.session.run(feeds));
      const { dims } = results["text_embeds"]!;
      const data = (await results["text_embeds"]!.getData()) as Float32Array;
      const own = data.slice(0, prompts.length * dims[1]!);
      for (const result of Object.values(results)) result.dispose();
      return { data: own, width: dims[1]! };
    } catch (cause) {
      throw new BackendError(`onnx: ${name}: expected ONNX Runtime to run it, got: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  #tensor(type: IdType, values: Int32Array, dims: readonly number[]): OrtTensor {
    return type === "int32"
      ? new this.ort.Tensor("int32", values, dims)
      : new this.ort.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
  }
}

class SessionTextModel implements OnnxTextModel {
  readonly #queue = new RunQueue("onnxTextModel");
  readonly #runner: BatchRunner;

  constructor(
    readonly name: string,
    readonly embedDim: number,
    readonly info: ExecutableInfo,
    readonly contextLength: number,
    runner: BatchRunner,
  ) {
    this.#runner = runner;
  }

  encode(
    prompts: readonly ArrayLike<number>[],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Float32Array> {
    return this.#queue.run(() => this.#encode(prompts, signal), signal);
  }

  dispose(): Promise<void> {
    return this.#queue.dispose(() => this.#runner.session.release());
  }

  async #encode(
    prompts: readonly ArrayLike<number>[],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    for (const { length } of prompts) {
      if (length >= 1 && length <= this.contextLength) continue;
      throw new InputError(
        `onnxTextModel: expected prompts of 1 to ${this.contextLength} tokens, got ${length}`,
      );
    }
    const all = new Float32Array(prompts.length * this.embedDim); // [prompts, embedDim]
    const batch = this.#runner.model.batch ?? prompts.length;
    for (let begin = 0; begin < prompts.length; begin += batch) {
      signal?.throwIfAborted();
      const { data } = await this.#runner.run(prompts.slice(begin, begin + batch));
      all.set(data, begin * this.embedDim);
    }
    return all;
  }
}
