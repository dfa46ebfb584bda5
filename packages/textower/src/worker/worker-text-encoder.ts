/**
 * `createWorkerTextEncoder`: an encoder that works on another thread, called as `ClipTextEncoder` is. Vectors come over
 * without being copied.
 *
 * Not here: what the worker does with it (`serve.ts`).
 */
import { DisposedError } from "@textower/graph";
import type { TokenizerOptions } from "@textower/tokenizer";
import type { ByteSource, Checkpoint, FileCollection } from "@textower/weights";
import type { TextEncoderOptions } from "../create.js";
import type { Encoded, EncodeOptions, EncodeResult, EncoderInfo, Prompt } from "../encoder.js";
import type { ModelSource } from "../model-source.js";
import type { PrefixCacheInfo } from "../prefix-cache.js";
import { encodeInBatches, listOf } from "../prompts.js";
import { Connection } from "./connection.js";
import type { Pending } from "./connection.js";
import { SupersededError, WorkerLostError } from "./errors.js";
import type { TextEncoderWorker } from "./host.js";
import type { Call, PlainEncodeResult, Progress, Results } from "./messages.js";

/**
 * Options of `createWorkerTextEncoder`: those of `createTextEncoder` that can be sent to a worker. Functions cannot, so
 * that there is no `fetch`, and nothing that is open already.
 */
export interface WorkerTextEncoderOptions extends Omit<
  TextEncoderOptions,
  "model" | "backend" | "tokenizer" | "fetch"
> {
  /**
   * A worker that calls `serveTextEncoder`; it stays the caller's. Default: one of the package's own, with the
   * WebAssembly backend, that ends with the encoder.
   */
  readonly worker?: TextEncoderWorker;
  /** As for `createTextEncoder`. Buffers are copied; a Blob is not. */
  readonly model: Exclude<ModelSource, Checkpoint | ByteSource | FileCollection>;
  /** Name of a backend that the worker registered. Default "auto", of those that the worker has. */
  readonly backend?: string;
  /** Options for CLIP's tokenizer. */
  readonly tokenizer?: Omit<TokenizerOptions, "contextLength">;
}

/** Options of one `encode` in a worker. */
export interface WorkerEncodeOptions extends EncodeOptions {
  /**
   * For calls of which only the latest counts, such as search as you type: earlier calls with the same key that are not
   * answered yet reject with SupersededError, and what of them the worker has not started is never computed.
   */
  readonly supersede?: string;
}

/**
 * Starts a worker, or takes the one that is given, and opens a checkpoint in it.
 *
 * Rejects with what `createTextEncoder` rejects with, by the same classes; WorkerLostError if the worker cannot be
 * loaded or ends; TypeError for options that cannot be sent; the signal's reason. Nothing stays open then. A worker that
 * never calls `serveTextEncoder` never answers.
 * @example
 * const encoder = await createWorkerTextEncoder({ model: "shapes" });
 * const { embeddings } = await encoder.encode(["a red circle", "a blue star"]);
 * await encoder.dispose();
 */
export async function createWorkerTextEncoder(options: WorkerTextEncoderOptions): Promise<WorkerTextEncoder> {
  const { worker, signal, onProgress, model, ...rest } = options;
  signal?.throwIfAborted();
  const connection = new Connection(worker);
  const address = model instanceof URL ? model.href : model;
  const opening: Call = { call: "open", options: { ...rest, model: address } };
  const listener = onProgress as ((progress: Progress) => void) | undefined;
  try {
    const opened = await answered(connection.call<"open">(opening, listener), signal);
    return new WorkerTextEncoder(connection, opened);
  } catch (error) {
    // A worker that is not ours may be through with it all the same.
    connection.call({ call: "dispose" }).result.catch(() => undefined);
    connection.close(disposed());
    throw error;
  }
}

/** See the file's head. Made by `createWorkerTextEncoder`; holds a worker's memory until `dispose`. */
export class WorkerTextEncoder implements AsyncDisposable {
  /** As of the encoder in the worker. */
  readonly info: EncoderInfo;
  /** Logarithm of the temperature that the checkpoint was trained with, if its file has it. */
  readonly logitScale: number | undefined;
  readonly #connection: Connection;
  /** The latest call of each `supersede`. */
  readonly #latest = new Map<string, Pending<unknown>>();
  #disposal: Promise<void> | undefined;

  constructor(connection: Connection, { info, logitScale }: Results["open"]) {
    this.#connection = connection;
    this.info = info;
    this.logitScale = logitScale;
  }

  /**
   * As `ClipTextEncoder.encode`, with the same errors. A call whose signal is aborted rejects at once; the worker stops
   * between two runs.
   *
   * Rejects with SupersededError (see `supersede`), and WorkerLostError if the worker ends.
   */
  async encode(
    prompts: Prompt | readonly Prompt[],
    { signal, onProgress, supersede, ...options }: WorkerEncodeOptions = {},
  ): Promise<EncodeResult> {
    signal?.throwIfAborted();
    if (supersede !== undefined) {
      this.#latest.get(supersede)?.cancel(new SupersededError("encode: a later call took its place"));
    }
    const call = this.#connection.call<"encode">(
      { call: "encode", prompts, options, progress: onProgress !== undefined },
      onProgress as ((progress: Progress) => void) | undefined,
    );
    if (supersede !== undefined) this.#latest.set(supersede, call);
    return withViews(await answered(call, signal), listOf(prompts).length);
  }

  /** As `ClipTextEncoder.encodeStream`: in order, with bounded memory. @throws as `encode`, from the iterator */
  encodeStream(
    prompts: Iterable<Prompt> | AsyncIterable<Prompt>,
    options: Omit<EncodeOptions, "onProgress"> = {},
  ): AsyncGenerator<Encoded, void, undefined> {
    return encodeInBatches(prompts, (batch) => this.encode(batch, options));
  }

  /** How full the prefix cache was at the last answer; undefined for an encoder without one. */
  get prefixCache(): PrefixCacheInfo | undefined {
    return this.#connection.prefixCache;
  }

  /** As `ClipTextEncoder.warmup`. */
  warmup(): Promise<void> {
    return this.#connection.call({ call: "warmup" }).result;
  }

  /** Forgets the keys and values of earlier prompts. */
  clearPrefixCache(): Promise<void> {
    return this.#connection.call({ call: "clearPrefixCache" }).result;
  }

  /**
   * Frees the encoder's memory, and ends the worker unless it is the caller's. Calls that still wait reject with
   * DisposedError. Twice is harmless, and so is a worker that has ended.
   */
  dispose(): Promise<void> {
    this.#disposal ??= this.#end();
    return this.#disposal;
  }

  async #end(): Promise<void> {
    this.#connection.cancelAll(disposed());
    try {
      await this.#connection.call<"dispose">({ call: "dispose" }).result;
    } catch (error) {
      if (!(error instanceof WorkerLostError)) throw error;
    } finally {
      this.#connection.close(disposed());
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function disposed(): DisposedError {
  return new DisposedError("encode: expected a live encoder, got one that is disposed of");
}

/** The answer to a call, which a signal cancels. */
async function answered<Result>(call: Pending<Result>, signal: AbortSignal | undefined): Promise<Result> {
  const onAbort = (): void => call.cancel(signal!.reason);
  signal?.addEventListener("abort", onAbort);
  try {
    return await call.result;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** The result as `ClipTextEncoder` gives it: embeddings are rows of `data`. */
function withViews(
  { data, tokens, cut, windows, hidden, rows }: PlainEncodeResult,
  prompts: number,
): EncodeResult {
  const width = prompts === 0 ? 0 : data.length / prompts;
  const results = Array.from({ length: prompts }, (_, i): Encoded => ({
    embedding: data.subarray(i * width, (i + 1) * width),
    tokens: tokens[i]!,
    cut: cut[i]!,
    windows: windows[i]!,
    hidden: hidden[i] ?? {},
  }));
  return { embeddings: results.map(({ embedding }) => embedding), data, prompts: results, rows };
}
