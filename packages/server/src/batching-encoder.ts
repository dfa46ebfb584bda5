/**
 * `BatchingEncoder`: an encoder for many callers at once. Calls that wait together are encoded together, so that prompts
 * of different calls share beginnings and runs are full; the queue is bounded; calls take turns.
 *
 * Nothing is held back to wait for company: a batch is what has come while the one before was computed.
 *
 * Not here: HTTP (`routes.ts`); how large a batch may be (`batch-size.ts`).
 */
import { BatchSize } from "./batch-size.js";
import type {
  BatchedEncodeOptions,
  BatchedEncodeResult,
  BatchingOptions,
  BatchReport,
  QueueDepth,
} from "./batching.js";
import type { Prompt, PromptEncoder, PromptTokenizer } from "./encoder.js";
import { CallTooLargeError, QueueClosedError, QueueFullError } from "./errors.js";
import { checkedTokens } from "./prompt-tokens.js";
import type { CheckedTokens } from "./prompt-tokens.js";
import { WaitingCalls } from "./waiting-calls.js";
import type { Piece, WaitingCall } from "./waiting-calls.js";

interface Call extends WaitingCall {
  readonly data: Float32Array; // [prompts, embedDim]
  /** Prompts that have their vectors. */
  done: number;
  settled: boolean;
  readonly settle: (error?: unknown) => void;
}

interface Batch {
  readonly pieces: readonly Piece<Call>[];
  readonly controller: AbortController;
}

/** Characters that are tokenised before others have a turn. */
const TOKENIZED_CHARACTERS = 16_384;
/** Nobody is sent away for longer, in seconds. */
const LONGEST_RETRY = 60;

/** See the file's head. The encoder stays the caller's. */
export class BatchingEncoder {
  readonly info: PromptEncoder["info"];
  readonly tokenizer: PromptTokenizer;
  readonly #encoder: PromptEncoder;
  readonly #size: BatchSize;
  readonly #maxBatches: number;
  readonly #maxQueuedPrompts: number;
  readonly #maxQueuedTokens: number;
  readonly #onBatch: ((batch: BatchReport) => void) | undefined;
  readonly #waiting = new WaitingCalls<Call>();
  readonly #batches = new Set<Batch>();
  /** Calls that are not answered. */
  readonly #calls = new Set<Call>();
  #scheduled = false;
  #closed: QueueClosedError | undefined;
  #onIdle: (() => void)[] = [];

  /** @throws TypeError without a tokenizer, RangeError for a limit below 1 */
  constructor(encoder: PromptEncoder, options: BatchingOptions = {}) {
    const {
      tokenizer = encoder.tokenizer,
      maxBatchTokens,
      maxBatches = 2,
      maxQueuedPrompts = 4096,
      maxQueuedTokens = 131_072,
      onBatch,
    } = options;
    if (tokenizer === undefined) {
      throw new TypeError("BatchingEncoder: expected a tokenizer in the encoder or the options, got none");
    }
    for (const [name, value] of Object.entries({
      ...(maxBatchTokens !== undefined && { maxBatchTokens }),
      maxBatches,
      maxQueuedPrompts,
      maxQueuedTokens,
    })) {
      if (!(Number.isInteger(value) && value >= 1)) {
        throw new RangeError(`BatchingEncoder: expected ${name} to be a whole number from 1, got ${value}`);
      }
    }
    this.info = encoder.info;
    this.tokenizer = tokenizer;
    this.#encoder = encoder;
    this.#size = new BatchSize(maxBatchTokens, encoder.info.maxRows);
    this.#maxBatches = maxBatches;
    this.#maxQueuedPrompts = maxQueuedPrompts;
    this.#maxQueuedTokens = maxQueuedTokens;
    this.#onBatch = onBatch;
  }

  /** What waits, and what is being computed. */
  get depth(): QueueDepth {
    const { calls, prompts, tokens } = this.#waiting;
    return { calls, prompts, tokens, batches: this.#batches.size };
  }

  /**
   * Encodes prompts, together with those of other calls. A call that fails fails alone.
   *
   * Rejects with RangeError for another `longText`, PromptError for a prompt that cannot be encoded, QueueFullError, CallTooLargeError, QueueClosedError,
   * the signal's reason, or what the encoder rejects with.
   */
  async encode(
    prompts: readonly Prompt[],
    { longText = "error", signal }: BatchedEncodeOptions = {},
  ): Promise<BatchedEncodeResult> {
    if (longText !== "error" && longText !== "truncate") {
      throw new RangeError(
        `encode: expected longText "error" or "truncate" in a queue, got ${JSON.stringify(longText)}`,
      );
    }
    this.#checkOpen(signal);
    this.#admitPrompts(prompts.length); // before anything is done for them
    const checked: CheckedTokens[] = [];
    let characters = 0;
    for (const [index, prompt] of prompts.entries()) {
      // A thousand long texts take a tenth of a second: others have their turns between them.
      if (characters > TOKENIZED_CHARACTERS) {
        await new Promise((resolve) => setImmediate(resolve));
        this.#checkOpen(signal);
        characters = 0;
      }
      checked.push(checkedTokens(prompt, index, this.tokenizer, longText));
      characters += typeof prompt === "string" ? prompt.length : prompt.ids.length;
    }
    const tokens = checked.reduce((sum, { ids }) => sum + ids.length, 0);
    this.#admitPrompts(prompts.length);
    this.#admit("tokens", tokens, this.#waiting.tokens, this.#maxQueuedTokens);

    const { embedDim } = this.info;
    const data = new Float32Array(checked.length * embedDim); // [prompts, embedDim]
    if (checked.length > 0) await this.#wait(checked, data, signal);
    return {
      embeddings: checked.map((_, i) => data.subarray(i * embedDim, (i + 1) * embedDim)),
      data,
      prompts: checked.map(({ ids, cut }) => ({ tokens: ids.length, cut })),
    };
  }

  /**
   * Takes no more calls. Those that wait are finished, or reject with QueueClosedError when the signal is aborted.
   * Twice is harmless.
   */
  async close({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#closed ??= new QueueClosedError("encode: expected an open queue, got one that is closed");
    const giveUp = (): void => {
      for (const call of this.#calls) call.settle(this.#closed);
    };
    if (signal?.aborted === true) giveUp();
    signal?.addEventListener("abort", giveUp);
    if (this.#calls.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    signal?.removeEventListener("abort", giveUp);
  }

  #checkOpen(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed;
  }

  #admitPrompts(count: number): void {
    this.#admit("prompts", count, this.#waiting.prompts, this.#maxQueuedPrompts);
  }

  #admit(what: string, count: number, waiting: number, most: number): void {
    if (count > most) {
      throw new CallTooLargeError(`encode: expected at most ${most} ${what} in a call, got ${count}`);
    }
    if (waiting + count > most) {
      throw new QueueFullError(
        `encode: expected room for ${count} ${what} in the queue, got ${most - waiting} of ${most}`,
        this.#retryAfter(),
      );
    }
  }

  #retryAfter(): number {
    const { rate } = this.#size;
    const seconds = rate === 0 ? 1 : Math.ceil(this.#waiting.tokens / rate);
    return Math.min(Math.max(seconds, 1), LONGEST_RETRY);
  }

  #wait(
    prompts: readonly CheckedTokens[],
    data: Float32Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const onAbort = (): void => call.settle(signal!.reason);
      const call: Call = {
        prompts,
        data,
        next: 0,
        done: 0,
        settled: false,
        settle: (error) => {
          if (call.settled) return;
          call.settled = true;
          signal?.removeEventListener("abort", onAbort);
          this.#calls.delete(call);
          if (error === undefined) resolve();
          else {
            this.#drop(call);
            reject(error as Error);
          }
          if (this.#calls.size === 0) for (const idle of this.#onIdle.splice(0)) idle();
        },
      };
      signal?.addEventListener("abort", onAbort);
      this.#calls.add(call);
      this.#waiting.add(call);
      this.#schedule();
    });
  }

  /** What of a call has not been computed need not be. */
  #drop(call: Call): void {
    this.#waiting.remove(call);
    for (const { pieces, controller } of this.#batches) {
      if (pieces.every((piece) => piece.call.settled)) controller.abort(new Error("nobody waits for it"));
    }
  }

  /** After what else came in this turn of the event loop. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#batches.size < this.#maxBatches && this.#waiting.calls > 0) {
        void this.#run({ pieces: this.#waiting.take(this.#size.limits), controller: new AbortController() });
      }
    });
  }

  async #run(batch: Batch): Promise<void> {
    this.#batches.add(batch);
    try {
      await this.#encode(batch);
    } catch (error) {
      await this.#encodeApart(batch, error);
    } finally {
      this.#batches.delete(batch);
      this.#schedule();
    }
  }

  /** One after another, after an error of them together: it strikes only where it comes again. */
  async #encodeApart({ pieces, controller }: Batch, error: unknown): Promise<void> {
    if (pieces.length === 1) {
      pieces[0]!.call.settle(error);
      return;
    }
    for (const piece of pieces) {
      if (piece.call.settled) continue;
      try {
        await this.#encode({ pieces: [piece], controller });
      } catch (own) {
        piece.call.settle(own);
      }
    }
  }

  async #encode({ pieces, controller }: Batch): Promise<void> {
    const { embedDim } = this.info;
    const prompts = pieces.flatMap(({ call, begin, end }) => call.prompts.slice(begin, end));
    const begun = performance.now();
    const { data, rows } = await this.#encoder.encode(prompts, { signal: controller.signal });
    if (data.length !== prompts.length * embedDim) {
      throw new Error(
        `encode: expected ${prompts.length} vectors of ${embedDim}, got ${data.length} numbers`,
      );
    }
    let offset = 0;
    for (const { call, begin, end } of pieces) {
      const length = (end - begin) * embedDim;
      call.data.set(data.subarray(offset, offset + length), begin * embedDim);
      offset += length;
      call.done += end - begin;
      if (call.done === call.prompts.length) call.settle();
    }
    this.#report(pieces, prompts, rows, begun);
  }

  #report(
    pieces: readonly Piece<Call>[],
    prompts: readonly CheckedTokens[],
    rows: number,
    begun: number,
  ): void {
    const now = performance.now();
    const tokens = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
    this.#size.note(tokens, begun, now);
    const calls = new Set(pieces.map(({ call }) => call)).size;
    this.#onBatch?.({ calls, prompts: prompts.length, tokens, rows, seconds: (now - begun) / 1000 });
  }
}
