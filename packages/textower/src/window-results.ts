/**
 * `WindowResults`: takes the vectors of windows as runs end, in any order, and makes of them what `encode` returns: one
 * vector a prompt, the mean of its windows'. Nearly every prompt is one window, and its vector is not touched.
 */
import { copyVector } from "./copy-vector.js";
import type { Encoded, EncodeResult } from "./encoder.js";
import { promptOfEachWindow } from "./prompts.js";
import type { TokenizedPrompt } from "./prompts.js";

/** Outputs beside the vector. */
type States = Readonly<Record<string, Float32Array>>;

/** See the file's head. */
export class WindowResults {
  readonly #prompts: readonly TokenizedPrompt[];
  readonly #width: number;
  readonly #normalize: boolean;
  readonly #vectors: Float32Array; // [windows, width]
  readonly #states: States[] = []; // [windows]
  /** [windows] */
  readonly #promptOf: readonly number[];
  /** Windows of each prompt that have not come yet. [prompts] */
  readonly #missing: number[];
  #done = 0;

  /** @param width - of a vector; 0 where there are only states */
  constructor(prompts: readonly TokenizedPrompt[], width: number, normalize: boolean) {
    this.#prompts = prompts;
    this.#width = width;
    this.#normalize = normalize;
    this.#promptOf = promptOfEachWindow(prompts);
    this.#vectors = new Float32Array(this.#promptOf.length * width);
    this.#missing = prompts.map(({ windows }) => windows);
  }

  /** Prompts of which all windows have come. */
  get done(): number {
    return this.#done;
  }

  /**
   * Takes a window's vector, row `row` of `rows`, and its states, which are kept.
   * @throws NumericalError for a vector that is not finite, or has no length and is to be normalised
   */
  add(window: number, rows: Float32Array | undefined, row: number, states: States = {}): void {
    if (rows !== undefined) copyVector(rows, row, rowOf(this.#vectors, window, this.#width), this.#normalize);
    this.#states[window] = states;
    if (--this.#missing[this.#promptOf[window]!]! === 0) this.#done++;
  }

  /**
   * @param rows - rows that were computed
   * @throws NumericalError for windows that cancel out
   */
  finish(rows: number): EncodeResult {
    const data = this.#means();
    const prompts = this.#prompts.map((prompt, index): Encoded => {
      const { first, windows, tokens, cut } = prompt;
      const hidden = joined(this.#states.slice(first, first + windows));
      return { embedding: rowOf(data, index, this.#width), tokens, cut, windows, hidden };
    });
    return { embeddings: prompts.map(({ embedding }) => embedding), data, prompts, rows };
  }

  /** @returns [prompts, width] */
  #means(): Float32Array {
    if (this.#promptOf.length === this.#prompts.length) return this.#vectors;
    const data = new Float32Array(this.#prompts.length * this.#width); // [prompts, width]
    this.#prompts.forEach(({ first, windows }, prompt) => {
      const into = rowOf(data, prompt, this.#width);
      into.set(rowOf(this.#vectors, first, this.#width));
      if (windows > 1 && this.#width > 0) copyVector(this.#mean(first, windows), 0, into, this.#normalize);
    });
    return data;
  }

  /** @returns [width], summed in float64 */
  #mean(first: number, windows: number): Float32Array {
    const width = this.#width;
    return Float32Array.from({ length: width }, (_, i) => {
      let sum = 0;
      for (let window = first; window < first + windows; window++) sum += this.#vectors[window * width + i]!;
      return sum / windows;
    });
  }
}

function rowOf(matrix: Float32Array, row: number, width: number): Float32Array {
  return matrix.subarray(row * width, (row + 1) * width);
}

/** States of windows one after another, each [rows of all, width]. */
function joined(states: readonly States[]): States {
  if (states.length === 1) return states[0]!;
  const names = Object.keys(states[0]!);
  return Object.fromEntries(names.map((name) => [name, concatenated(states.map((window) => window[name]!))]));
}

function concatenated(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
