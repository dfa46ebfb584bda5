/** `createTextEncoder`: puts tokenizer, checkpoint, graph and backend together. */
import { DEFAULT_PREFERRED_ROWS } from "@textower/graph";
import type { Backend, Executable, Precision } from "@textower/graph";
import type { HubOptions } from "@textower/hub";
import { buildTextEncoder } from "@textower/model";
import type { TextEncoderOutput } from "@textower/model";
import { createTokenizer, vocabularyFromTokenizerJson } from "@textower/tokenizer";
import type { Tokenizer, TokenizerOptions } from "@textower/tokenizer";
import type { Checkpoint, OpenCheckpointOptions } from "@textower/weights";
import { chooseBackend } from "./backend-choice.js";
import { ClipTextEncoder } from "./encoder.js";
import { SetupError } from "./errors.js";
import { openModel } from "./model-source.js";
import { PrefixCache } from "./prefix-cache.js";
import type { ModelSource } from "./model-source.js";
import { isTextModel } from "./text-model.js";
import { TextModelEncoder } from "./text-model-encoder.js";
import type { TextModelEncoderOptions } from "./text-model-encoder.js";

/** Options of `createTextEncoder`: these, and what `openCheckpoint` needs to know of a checkpoint (`activation`, …). */
export interface TextEncoderOptions extends OpenCheckpointOptions {
  /** See `ModelSource`. */
  readonly model: ModelSource;
  /**
   * For a model by its name on the Hub: endpoint, token, cache, offline mode, progress. Default: what the usual
   * environment variables say.
   */
  readonly hub?: Omit<HubOptions, "signal">;
  /**
   * A backend, the name of a registered one, or "auto" (default): the first registered one that works here, and
   * WebAssembly where none is registered.
   */
  readonly backend?: Backend | string;
  /** How weights are stored while they are used. Default "float32". */
  readonly precision?: Precision;
  /**
   * A tokenizer, or options for CLIP's. The context length and padding are the checkpoint's. The vocabulary is CLIP's,
   * which is built in; for a checkpoint with more or fewer tokens, that of the `tokenizer.json` beside it.
   */
  readonly tokenizer?: Tokenizer | Omit<TokenizerOptions, "contextLength">;
  /** What to compute. Default: the embedding, or the pooled row of a checkpoint without projection. */
  readonly outputs?: readonly TextEncoderOutput[];
  /**
   * Bytes to keep of the keys and values of prompts, so that later prompts that begin alike pay only for what is new:
   * search as you type, templates of zero-shot heads. A row of ViT-B/32 takes 49 kB. Default 0: none are kept. Causal
   * towers only, and not together with hidden states as outputs. The vectors are the same.
   */
  readonly prefixCache?: number;
  /** Most rows of a run; default: what the backend prefers. More rows take more memory. */
  readonly maxRows?: number;
  /** Called while weights are taken over. */
  readonly onProgress?: (progress: { readonly loaded: number; readonly total: number }) => void;
}

/** CLIP's vocabulary, start and end of text included (openai/CLIP, `simple_tokenizer.py`). */
const CLIP_VOCABULARY = 49408;

/**
 * Puts a tokenizer before a whole text model, such as a published ONNX file.
 *
 * Rejects with SetupError for a tokenizer that does not go with the model, which then stays the caller's.
 * @example
 * const model = await onnxTextModel(ort, "clip-vit-base-patch32/onnx/text_model.onnx");
 * const encoder = await createTextEncoder({ model });
 */
export function createTextEncoder(options: TextModelEncoderOptions): Promise<TextModelEncoder>;
/**
 * Opens a checkpoint and compiles its text tower on a backend. Weights are read once, tensor by tensor; of the token
 * table only the rows that prompts use, when they use them.
 *
 * Rejects with CheckpointError, MissingActivationError and their kin for a checkpoint that cannot be run, SetupError
 * for parts that do not go together, RegistryError, UnsupportedError, or the signal's reason. Nothing stays open then.
 * @example
 * const encoder = await createTextEncoder({ model: "shapes" });
 * const { embeddings } = await encoder.encode(["a red circle", "a blue star"]);
 * await encoder.dispose();
 */
export function createTextEncoder(options: TextEncoderOptions): Promise<ClipTextEncoder>;
export async function createTextEncoder(
  options: TextEncoderOptions | TextModelEncoderOptions,
): Promise<ClipTextEncoder | TextModelEncoder> {
  return isForTextModel(options) ? new TextModelEncoder(options) : createClipTextEncoder(options);
}

function isForTextModel(
  options: TextEncoderOptions | TextModelEncoderOptions,
): options is TextModelEncoderOptions {
  return isTextModel(options.model);
}

async function createClipTextEncoder(options: TextEncoderOptions): Promise<ClipTextEncoder> {
  const {
    model,
    backend: choice = "auto",
    precision = "float32",
    tokenizer: tokenization,
    ...rest
  } = options;
  const { outputs: wanted, prefixCache: cacheBytes = 0, maxRows: rowLimit, onProgress, ...opening } = rest;
  const { signal } = opening;
  const backend = await chooseBackend(choice);
  const { checkpoint, owned } = await openModel(model, opening);
  const close = async (): Promise<void> => {
    if (owned) await checkpoint.close();
  };
  try {
    const { descriptor } = checkpoint;
    const tokenizer = await chooseTokenizer(tokenization, checkpoint, signal);
    const outputs = wanted ?? [descriptor.embedDim === null ? "pooled" : "embedding"];
    const maxRows = Math.max(
      rowLimit ?? backend.preferredRows ?? DEFAULT_PREFERRED_ROWS,
      descriptor.contextLength,
    );
    const past = cacheBytes > 0;
    const graph = buildTextEncoder(descriptor, { outputs, past });
    const compiling = { precision, maxRows: past ? 2 * maxRows : maxRows }; // keys are past rows and new ones
    const executable = await backend.compile(graph, checkpoint, {
      ...compiling,
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const recompile = (): Promise<Executable> => backend.compile(graph, checkpoint, compiling);
    const prefixCache = past ? new PrefixCache(cacheBytes, descriptor.layers, descriptor.width) : undefined;
    return new ClipTextEncoder({
      tokenizer,
      checkpoint,
      executable,
      recompile,
      prefixCache,
      outputs,
      maxRows,
      close,
    });
  } catch (error) {
    await close();
    throw error;
  }
}

async function chooseTokenizer(
  choice: Tokenizer | Omit<TokenizerOptions, "contextLength"> | undefined,
  checkpoint: Checkpoint,
  signal: AbortSignal | undefined,
): Promise<Tokenizer> {
  if (choice !== undefined && "encode" in choice) return choice;
  const { contextLength, vocabSize, padId } = checkpoint.descriptor;
  const options = { padId, ...choice, contextLength };
  if (vocabSize === CLIP_VOCABULARY || choice?.vocabulary !== undefined) return createTokenizer(options);
  const json = await checkpoint.tokenizerJson(signal);
  if (json !== undefined) {
    const vocabulary = vocabularyFromTokenizerJson(json);
    if (vocabulary.size <= vocabSize) return createTokenizer({ ...options, vocabulary });
    throw new SetupError(
      `createTextEncoder: expected at most the checkpoint's ${vocabSize} tokens in tokenizer.json, got ${vocabulary.size}`,
    );
  }
  if (vocabSize > CLIP_VOCABULARY) return createTokenizer(options); // what was added has no spelling, and no use
  throw new SetupError(
    `createTextEncoder: expected a checkpoint with CLIP's ${CLIP_VOCABULARY} tokens, got ${vocabSize}: pass its tokenizer`,
  );
}
