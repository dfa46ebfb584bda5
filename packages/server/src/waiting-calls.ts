/**
 * `WaitingCalls`: calls in the order in which their prompts will be encoded. Calls take turns: each gives a share of a
 * batch and goes to the end of the line, so that one of thousands of prompts does not hold up one of a single prompt.
 *
 * Not here: encoding (`batching-encoder.ts`).
 */
import type { CheckedTokens } from "./prompt-tokens.js";

/** A call, of which some prompts may have been taken. */
export interface WaitingCall {
  readonly prompts: readonly CheckedTokens[];
  /** The first prompt that has not been taken. */
  next: number;
}

/** Neighbouring prompts of one call. */
export interface Piece<Call> {
  readonly call: Call;
  readonly begin: number;
  readonly end: number;
}

/** How much is taken at once. */
export interface BatchLimits {
  /** Tokens of a batch; a single prompt may have more. */
  readonly tokens: number;
  /** Tokens of one call's turn; at least one prompt is taken. */
  readonly turnTokens: number;
}

/** See the file's head. */
export class WaitingCalls<Call extends WaitingCall> {
  readonly #calls = new Set<Call>(); // in the order of their turns
  #prompts = 0;
  #tokens = 0;

  /** Calls of which something waits. */
  get calls(): number {
    return this.#calls.size;
  }

  /** Prompts that wait. */
  get prompts(): number {
    return this.#prompts;
  }

  /** Their tokens. */
  get tokens(): number {
    return this.#tokens;
  }

  /** At the end of the line. */
  add(call: Call): void {
    this.#calls.add(call);
    this.#prompts += call.prompts.length - call.next;
    this.#tokens += tokensOf(call.prompts, call.next);
  }

  /** What of a call waits, waits no longer. Harmless if nothing does. */
  remove(call: Call): void {
    if (!this.#calls.delete(call)) return;
    this.#prompts -= call.prompts.length - call.next;
    this.#tokens -= tokensOf(call.prompts, call.next);
  }

  /** The next batch: empty only if nothing waits. */
  take(limits: BatchLimits): Piece<Call>[] {
    const pieces: Piece<Call>[] = [];
    let tokens = 0;
    for (;;) {
      const [call] = this.#calls;
      if (call === undefined) return pieces;
      const begin = call.next;
      let turn = 0;
      while (call.next < call.prompts.length) {
        const { length } = call.prompts[call.next]!.ids;
        if (tokens > 0 && tokens + length > limits.tokens) break;
        if (turn > 0 && turn + length > limits.turnTokens) break;
        call.next++;
        tokens += length;
        turn += length;
      }
      if (call.next === begin) return pieces; // the batch is full
      this.#prompts -= call.next - begin;
      this.#tokens -= turn;
      this.#calls.delete(call);
      if (call.next < call.prompts.length) this.#calls.add(call);
      pieces.push({ call, begin, end: call.next });
    }
  }
}

function tokensOf(prompts: readonly CheckedTokens[], begin: number): number {
  let tokens = 0;
  for (let i = begin; i < prompts.length; i++) tokens += prompts[i]!.ids.length;
  return tokens;
}
