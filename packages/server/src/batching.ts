/** What goes into `BatchingEncoder` and comes out of it. */
import type { LongText, PromptTokenizer } from "./encoder.js";

/** Options of `BatchingEncoder`. */
export interface BatchingOptions {
  /** Default: the encoder's. Encoders in a worker have none. */
  readonly tokenizer?: PromptTokenizer;
  /**
   * Most tokens of a batch. More share more and take longer, and a call that comes meanwhile waits for them. Default:
   * 2048, or one run of the encoder if that is more; from there up to 8192 where the encoder's rate of late says that they take
   * no longer than a quarter of a second.
   */
  readonly maxBatchTokens?: number;
  /** Batches that the encoder has at a time. Default 2: one is computed, and the next one is there when it ends. */
  readonly maxBatches?: number;
  /** Most prompts that wait. Default 4096. */
  readonly maxQueuedPrompts?: number;
  /** Most tokens that wait. Default 131,072. */
  readonly maxQueuedTokens?: number;
  /** Called after every batch that was encoded. */
  readonly onBatch?: (batch: BatchReport) => void;
}

/** What one batch took. */
export interface BatchReport {
  readonly calls: number;
  readonly prompts: number;
  readonly tokens: number;
  /** Rows that were computed: tokens, less what prompts have in common. */
  readonly rows: number;
  /** From handing it to the encoder to its vectors. */
  readonly seconds: number;
}

/** Options of one `encode`. */
export interface BatchedEncodeOptions {
  /**
   * What becomes of a text that is too long: "error" (`PromptError`, default) or "truncate". "windows", which encoders have too,
   * is refused with a RangeError.
   */
  readonly longText?: LongText | "windows";
  /** Takes the call out of the queue; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The answer to `encode`: one entry per prompt in every list, in the order of the prompts. */
export interface BatchedEncodeResult {
  /** Rows of `data`, of length 1. [prompts][embedDim] */
  readonly embeddings: readonly Float32Array[];
  /** The same numbers in one piece, the caller's. [prompts, embedDim] */
  readonly data: Float32Array;
  /** Tokens that were encoded, start and end of text included, and tokens that were cut off. */
  readonly prompts: readonly { readonly tokens: number; readonly cut: number }[];
}

/** What waits, and what is being computed. */
export interface QueueDepth {
  readonly calls: number;
  readonly prompts: number;
  readonly tokens: number;
  /** Batches that the encoder has. */
  readonly batches: number;
}
