/** How large a batch may be: what the user says, or what the encoder does in a moment by its rate of late. */
import type { BatchLimits } from "./waiting-calls.js";

/** Tokens of a batch, at least. Captions share 17 % of their rows in batches of 2048, 21 % in 4096, 25 % in 8192. */
const BATCH_TOKENS = 2048;
/** Tokens of a batch, at most: larger ones share little more. */
const MOST_BATCH_TOKENS = 8192;
/** Seconds for a batch of more than `BATCH_TOKENS`: a call that comes meanwhile waits for two of them. */
const BATCH_SECONDS = 0.25;
/** Turns that a batch of the least size has room for: what a call may take of it while others wait. */
const TURNS = 8;
/** Share of the latest batch in the rate. */
const RATE_WEIGHT = 0.2;

/** See the file's head. */
export class BatchSize {
  /** Tokens of a batch: of every one if the user says so, otherwise at least. */
  readonly #tokens: number;
  readonly #grows: boolean;
  #rate = 0;
  #lastEnd = 0;

  /** @param maxRows - most rows of the encoder's runs: a batch is at least one */
  constructor(maxBatchTokens: number | undefined, maxRows: number) {
    this.#tokens = maxBatchTokens ?? Math.max(BATCH_TOKENS, maxRows);
    this.#grows = maxBatchTokens === undefined;
  }

  /** Tokens a second; 0 until the first batch is done. */
  get rate(): number {
    return this.#rate;
  }

  /** Of the next batch. Turns do not grow with it: before a call's turn as many tokens are computed as ever. */
  get limits(): BatchLimits {
    const inTime = this.#grows ? Math.min(MOST_BATCH_TOKENS, Math.floor(this.#rate * BATCH_SECONDS)) : 0;
    return { tokens: Math.max(this.#tokens, inTime), turnTokens: Math.ceil(this.#tokens / TURNS) };
  }

  /** A batch is done. Times are in milliseconds. */
  note(tokens: number, begun: number, now: number): void {
    const seconds = Math.max(now - Math.max(begun, this.#lastEnd), 0.01) / 1000; // batches overlap
    const rate = tokens / seconds;
    this.#rate = this.#rate === 0 ? rate : this.#rate + RATE_WEIGHT * (rate - this.#rate);
    this.#lastEnd = now;
  }
}
