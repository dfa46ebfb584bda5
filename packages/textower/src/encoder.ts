/**
 * `ClipTextEncoder`: prompts in, vectors out, in the prompts' order. It tokenises, plans runs of packed rows, looks up
 * token embeddings on the host, and hands each run to the executable.
 *
 * Not here: putting the parts together (`createTextEncoder`).
 */
import { DeviceLostError } from "@textower/graph";
import type { Executable, ExecutableInfo, Inputs, Tensor } from "@textower/graph";
import { planRuns, promptRows } from "@textower/model";
import type { PlannedRun, TextEncoderOutput, TokenSequence } from "@textower/model";
import type { Tokenizer } from "@textower/tokenizer";
import type { Checkpoint, CheckpointDescriptor } from "@textower/weights";
import { SetupError } from "./errors.js";
import type { LongTextOptions } from "./long-text.js";
import type { PrefixCache, PrefixCacheInfo } from "./prefix-cache.js";
import { encodeInBatches, listOf, promptOfEachWindow, tokenizePrompts } from "./prompts.js";
import type { TokenizedPrompts } from "./prompts.js";
import { prepareRun } from "./run-inputs.js";
import type { PreparedRun } from "./run-inputs.js";
import { WindowResults } from "./window-results.js";

/** A text, or its tokens if something else has tokenised it: start of text, …, end of text, no padding. */
export type Prompt = string | TokenSequence;

/** Options of one `encode`. */
export interface EncodeOptions extends LongTextOptions {
  /**
   * Whether embeddings are scaled to length 1, as cosine similarity wants them. Default true. Of a text in windows it is the
   * mean of normalised vectors that is scaled; without scaling, the embedding is the plain mean of what the model gives.
   */
  readonly normalize?: boolean;
  /** Stops between two runs; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each run with the number of prompts that are done. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What became of one prompt. The arrays are the caller's. */
export interface Encoded {
  /** [embedDim]; normalised unless told otherwise. Empty if the encoder was made without that output. */
  readonly embedding: Float32Array;
  /** Tokens that were encoded, start and end of text of every window included. */
  readonly tokens: number;
  /** Tokens that were cut off; 0 unless `longText: "truncate"` had to. */
  readonly cut: number;
  /** Windows that the prompt took; 1 unless it was too long and `longText: "windows"`. */
  readonly windows: number;
  /**
   * Other outputs that the encoder was made with: one row per token, or per window for `pooled`; windows one after another.
   * [tokens, width]
   */
  readonly hidden: Readonly<Record<string, Float32Array>>;
}

/** The answer to `encode`: one entry per prompt in every list, in the order of the prompts. */
export interface EncodeResult {
  /** Rows of `data`, [prompts][embedDim]. */
  readonly embeddings: Float32Array[];
  /** The same numbers in one piece, ready for an index or a file. [prompts, embedDim] */
  readonly data: Float32Array;
  /** See `Encoded`. */
  readonly prompts: readonly Encoded[];
  /** Rows that were computed: at most the number of tokens, less where prompts begin alike. */
  readonly rows: number;
}

/** What an encoder is made of. Shown to users as it is. */
export interface EncoderInfo extends ExecutableInfo {
  /** Name of the checkpoint: its file name or URL. */
  readonly checkpoint: string;
  readonly descriptor: CheckpointDescriptor;
  /** Size of an embedding. */
  readonly embedDim: number;
  /** Most rows of a run. */
  readonly maxRows: number;
}

/** One run of `plannedRuns`, ready to be handed to the executable. */
export interface ReadyRun {
  readonly executable: Executable;
  readonly inputs: Inputs;
  /**
   * For each row of the embedding output: places of the prompts that it answers, equal ones together. A prompt in windows is
   * answered by several rows, of which its vector is the mean.
   */
  readonly answers: readonly (readonly number[])[];
}

/** The parts of an encoder; see `createTextEncoder`. */
export interface EncoderParts {
  readonly tokenizer: Tokenizer;
  readonly checkpoint: Checkpoint;
  readonly executable: Executable;
  /** Compiles once more, from the checkpoint that is still open: for when the device was lost. */
  readonly recompile: () => Promise<Executable>;
  readonly prefixCache: PrefixCache | undefined;
  readonly outputs: readonly TextEncoderOutput[];
  readonly maxRows: number;
  /** Closes what the encoder owns beside the executable. */
  readonly close: () => Promise<void>;
}

/** See the file's head. Made by `createTextEncoder`; holds the backend's memory until `dispose`. */
export class ClipTextEncoder implements AsyncDisposable {
  readonly info: EncoderInfo;
  /** Logarithm of the temperature that the checkpoint was trained with, if its file has it. */
  readonly logitScale: number | undefined;
  readonly tokenizer: Tokenizer;
  readonly #parts: EncoderParts;
  /** What runs: the executable that was handed in, until its device is lost. */
  #executable: Promise<Executable>;
  #disposed = false;
  /** The one output that is a vector per prompt, to be normalised. */
  readonly #vector: "embedding" | "pooled" | undefined;

  constructor(parts: EncoderParts) {
    const { checkpoint, executable, outputs, maxRows } = parts;
    const { descriptor } = checkpoint;
    this.#parts = parts;
    this.#executable = Promise.resolve(executable);
    this.tokenizer = parts.tokenizer;
    this.logitScale = checkpoint.logitScale;
    this.#vector = outputs.includes("embedding")
      ? "embedding"
      : outputs.includes("pooled")
        ? "pooled"
        : undefined;
    const embedDim = this.#vector === "embedding" ? descriptor.embedDim! : descriptor.width;
    const notes = [...checkpoint.warnings, ...executable.info.notes];
    this.info = { ...executable.info, notes, checkpoint: checkpoint.name, descriptor, embedDim, maxRows };
  }

  /**
   * Encodes prompts: any number, of any lengths. Equal prompts cost nothing, and common beginnings are computed once.
   * Calls may overlap; their runs take turns.
   *
   * Rejects with TypeError for a prompt that is neither text nor tokens, TextTooLongError, RangeError for token ids
   * outside the vocabulary, DisposedError, the signal's reason, or what the backend rejects with. After a DeviceLostError
   * the next call compiles the checkpoint again, on a new device if the backend gets one.
   */
  async encode(prompts: Prompt | readonly Prompt[], options: EncodeOptions = {}): Promise<EncodeResult> {
    const { normalize = true, signal, onProgress } = options;
    signal?.throwIfAborted();
    const list = listOf(prompts);
    const { sequences, prompts: tokenized } = this.#tokenize(list, options);
    const width = this.#vector === undefined ? 0 : this.info.embedDim;
    const results = new WindowResults(tokenized, width, normalize);
    let rows = 0;
    for await (const { run, prepared, outputs } of this.#execute(this.#plan(sequences), signal)) {
      rows += prepared.rows;
      const vectors = this.#vector && (outputs[this.#vector]!.data as Float32Array);
      run.answers.forEach((windows, row) => {
        const hidden = this.#hidden(outputs, prepared, row);
        for (const window of windows) results.add(window, vectors, row, copies(hidden));
      });
      onProgress?.({ done: results.done, total: list.length });
    }
    return results.finish(rows);
  }

  /**
   * Does ahead what first runs would have to do: on GPUs shaders are compiled when a run of some size first needs them.
   * Nothing where a backend has nothing to prepare. Rejects with DisposedError, or what the backend rejects with.
   */
  async warmup(): Promise<void> {
    const rows = [this.info.maxRows];
    for (let count = 1; count < this.info.maxRows; count *= 2) rows.push(count);
    await (await this.#executable).warmup?.(rows);
  }

  /**
   * Tokenises, plans and prepares as `encode` does, and leaves the runs to the caller: for results that stay on a
   * device, such as `encodeToTensor` of `@textower/backend-tfjs`. Every prompt is answered once, or once a window.
   * @throws as `encode`, from the iterator; SetupError for an encoder with a prefix cache, whose runs depend on one another
   */
  async *plannedRuns(
    prompts: Prompt | readonly Prompt[],
    options: LongTextOptions & Pick<EncodeOptions, "signal"> = {},
  ): AsyncGenerator<ReadyRun, void, undefined> {
    if (this.#parts.prefixCache !== undefined) {
      throw new SetupError("plannedRuns: expected an encoder without prefixCache, got one with it");
    }
    const { sequences, prompts: tokenized } = this.#tokenize(listOf(prompts), options);
    const promptOf = promptOfEachWindow(tokenized);
    for (const { sequences: some, answers } of this.#plan(sequences)) {
      const { inputs } = await prepareRun(some, this.#parts, options.signal);
      const places = answers.map((windows) => windows.map((window) => promptOf[window]!));
      yield { executable: await this.#executable, inputs, answers: places };
    }
  }

  /** How full the prefix cache is, and what it has saved; undefined for an encoder without one. */
  get prefixCache(): PrefixCacheInfo | undefined {
    return this.#parts.prefixCache?.info;
  }

  /** Forgets the keys and values of earlier prompts. */
  clearPrefixCache(): void {
    this.#parts.prefixCache?.clear();
  }

  /**
   * Encodes a stream of prompts, in order, with bounded memory: a thousand or so are taken at a time, and no more until
   * their results have been.
   * @throws as `encode`, from the iterator
   * @example for await (const { embedding } of encoder.encodeStream(lines)) index.add(embedding);
   */
  encodeStream(
    prompts: Iterable<Prompt> | AsyncIterable<Prompt>,
    options: Omit<EncodeOptions, "onProgress"> = {},
  ): AsyncGenerator<Encoded, void, undefined> {
    return encodeInBatches(prompts, (batch) => this.encode(batch, options));
  }

  /** Frees the backend's memory and closes the checkpoint. Calls that still wait reject. Twice is harmless. */
  async dispose(): Promise<void> {
    this.clearPrefixCache();
    this.#disposed = true;
    await (await this.#executable.catch(() => this.#parts.executable)).dispose();
    await this.#parts.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #tokenize(prompts: readonly Prompt[], options: LongTextOptions): TokenizedPrompts {
    return tokenizePrompts(prompts, this.tokenizer, this.info.descriptor, options);
  }

  #plan(sequences: readonly TokenSequence[]): PlannedRun[] {
    const { attention, contextLength } = this.info.descriptor;
    return planRuns(sequences, this.info.maxRows, attention === "full" ? { fullContext: contextLength } : {});
  }

  /**
   * Runs one after another. The next one's token rows are looked up while the backend works, unless it may need the
   * keys and values of this one.
   */
  async *#execute(
    runs: readonly PlannedRun[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ run: PlannedRun; prepared: PreparedRun; outputs: Record<string, Tensor> }> {
    const { prefixCache } = this.#parts;
    const prepare = (i: number): Promise<PreparedRun> | undefined =>
      i < runs.length ? prepareRun(runs[i]!.sequences, this.#parts, signal) : undefined;
    let next = prepare(0);
    for (let i = 0; i < runs.length; i++) {
      const prepared = await (next ?? prepare(i))!;
      next = prefixCache === undefined ? prepare(i + 1) : undefined;
      next?.catch(() => undefined); // reported when it is awaited, unless this run fails first
      const outputs = await this.#run(prepared, signal);
      prepared.remember(outputs);
      yield { run: runs[i]!, prepared, outputs };
    }
  }

  async #run({ inputs }: PreparedRun, signal: AbortSignal | undefined): Promise<Record<string, Tensor>> {
    const current = this.#executable;
    try {
      return await (await current).run(inputs, signal === undefined ? {} : { signal });
    } catch (error) {
      // Of calls that fail together, the first one sees to a successor.
      if (error instanceof DeviceLostError && this.#executable === current && !this.#disposed) {
        this.#executable = current
          .then(
            (executable) => executable.dispose(),
            () => undefined, // one that could not be compiled holds nothing
          )
          .then(this.#parts.recompile);
        this.#executable.catch(() => undefined); // reported to the call that needs it
      }
      throw error;
    }
  }

  /** The outputs beside the embedding, for one prompt of a run. */
  #hidden(
    outputs: Record<string, Tensor>,
    prepared: PreparedRun,
    prompt: number,
  ): Record<string, Float32Array> {
    const hidden: Record<string, Float32Array> = {};
    for (const name of this.#parts.outputs) {
      if (name === this.#vector) continue;
      const rows = name === "pooled" ? Int32Array.of(prompt) : promptRows(prepared.packed!, prompt);
      const { data, shape } = outputs[name]!;
      const width = shape[1]!;
      const values = new Float32Array(rows.length * width); // [tokens, width]
      rows.forEach((row, i) => {
        values.set((data as Float32Array).subarray(row * width, (row + 1) * width), i * width);
      });
      hidden[name] = values;
    }
    return hidden;
  }
}

function copies(arrays: Record<string, Float32Array>): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()]));
}
