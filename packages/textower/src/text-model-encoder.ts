/**
 * `TextModelEncoder`: what `ClipTextEncoder` is for checkpoints, for a `TextModel`. Prompts are tokenised, equal ones are
 * encoded once, batches are sorted by length, and vectors come out in the prompts' order.
 *
 * Not here: shared prefixes, hidden states, a prefix cache. Nobody can look into a whole model.
 */
import type { ExecutableInfo } from "@textower/graph";
import { createTokenizer } from "@textower/tokenizer";
import type { Tokenizer, TokenizerOptions } from "@textower/tokenizer";
import type { TokenSequence } from "@textower/model";
import type { EncodeOptions, EncodeResult, Encoded, Prompt } from "./encoder.js";
import { NumericalError, SetupError } from "./errors.js";
import { encodeInBatches, listOf, tokenizePrompts } from "./prompts.js";
import type { TextModel } from "./text-model.js";
import { WindowResults } from "./window-results.js";

/** Padded rows of a batch: a few prompts of CLIP's 77 tokens, or many short ones. */
const BATCH_ROWS = 128;

/** Options of `createTextEncoder` with a `TextModel`. */
export interface TextModelEncoderOptions {
  /** Belongs to the encoder from here on, which disposes of it. */
  readonly model: TextModel;
  /** A tokenizer, or options for CLIP's. The context length is the model's. */
  readonly tokenizer?: Tokenizer | Omit<TokenizerOptions, "contextLength">;
  /** Most rows of a batch, padding included; a single prompt may have more. Default 128. */
  readonly maxRows?: number;
}

/** What such an encoder is made of. Shown to users as it is. */
export interface TextModelEncoderInfo extends ExecutableInfo {
  /** Name of the model. */
  readonly checkpoint: string;
  /** Most tokens of a prompt. */
  readonly contextLength: number;
  /** Size of an embedding. */
  readonly embedDim: number;
  /** Most rows of a batch. */
  readonly maxRows: number;
}

/** Prompts that are encoded together: the distinct ones, and who asked for each. */
interface Batch {
  readonly prompts: ArrayLike<number>[];
  readonly answers: (readonly number[])[];
  /** Rows with all prompts as long as the longest. */
  rows: number;
}

/** See the file's head. Made by `createTextEncoder`; holds the model until `dispose`. */
export class TextModelEncoder implements AsyncDisposable {
  readonly info: TextModelEncoderInfo;
  readonly tokenizer: Tokenizer;
  readonly #model: TextModel;

  /** @throws SetupError for a tokenizer whose prompts may be longer than the model's context */
  constructor({ model, tokenizer, maxRows = BATCH_ROWS }: TextModelEncoderOptions) {
    const { name: checkpoint, contextLength, embedDim } = model;
    this.#model = model;
    this.tokenizer =
      tokenizer !== undefined && "encode" in tokenizer
        ? tokenizer
        : createTokenizer({ ...tokenizer, contextLength });
    if (this.tokenizer.contextLength > contextLength) {
      throw new SetupError(
        `createTextEncoder: expected a tokenizer for at most ${contextLength} tokens, got one for ${this.tokenizer.contextLength}`,
      );
    }
    this.info = { ...model.info, checkpoint, contextLength, embedDim, maxRows };
  }

  /**
   * Encodes prompts: any number, of any lengths. Equal prompts cost nothing. `rows` of the result counts padding.
   *
   * Rejects with TypeError for a prompt that is neither text nor tokens, TextTooLongError, RangeError for token ids
   * outside the tokenizer's vocabulary, NumericalError, the signal's reason, or what the model rejects with.
   */
  async encode(prompts: Prompt | readonly Prompt[], options: EncodeOptions = {}): Promise<EncodeResult> {
    const { normalize = true, signal, onProgress } = options;
    signal?.throwIfAborted();
    const list = listOf(prompts);
    const { contextLength, embedDim, maxRows } = this.info;
    const limits = { contextLength, vocabSize: this.tokenizer.vocabularySize };
    const { sequences, prompts: tokenized } = tokenizePrompts(list, this.tokenizer, limits, options);
    const results = new WindowResults(tokenized, embedDim, normalize);
    let rows = 0;
    for (const batch of planBatches(sequences, maxRows)) {
      signal?.throwIfAborted();
      const vectors = await this.#model.encode(batch.prompts, signal === undefined ? {} : { signal });
      if (vectors.length !== batch.prompts.length * embedDim) {
        const expected = `${batch.prompts.length} vectors of ${embedDim} numbers`;
        throw new NumericalError(`encode: expected ${expected}, got ${vectors.length} numbers`);
      }
      batch.answers.forEach((windows, row) => {
        for (const window of windows) results.add(window, vectors, row);
      });
      rows += batch.rows;
      onProgress?.({ done: results.done, total: list.length });
    }
    return results.finish(rows);
  }

  /**
   * Encodes a stream of prompts, in order, with bounded memory, as `ClipTextEncoder.encodeStream` does.
   * @throws as `encode`, from the iterator
   */
  encodeStream(
    prompts: Iterable<Prompt> | AsyncIterable<Prompt>,
    options: Omit<EncodeOptions, "onProgress"> = {},
  ): AsyncGenerator<Encoded, void, undefined> {
    return encodeInBatches(prompts, (batch) => this.encode(batch, options));
  }

  /** Frees the model. Calls that still wait reject. Twice is harmless. */
  dispose(): Promise<void> {
    return this.#model.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Distinct prompts from short to long, cut so that a padded batch has at most `maxRows` rows. */
function planBatches(sequences: readonly TokenSequence[], maxRows: number): Batch[] {
  const asked = new Map<string, number[]>();
  sequences.forEach(({ ids }, index) => {
    const key = Array.prototype.join.call(ids);
    const indices = asked.get(key);
    if (indices === undefined) asked.set(key, [index]);
    else indices.push(index);
  });
  const idsOf = (indices: readonly number[]): ArrayLike<number> => sequences[indices[0]!]!.ids;
  const batches: Batch[] = [];
  for (const indices of [...asked.values()].sort((a, b) => idsOf(a).length - idsOf(b).length)) {
    const ids = idsOf(indices);
    let batch = batches.at(-1);
    if (batch === undefined || (batch.prompts.length + 1) * ids.length > maxRows) {
      batch = { prompts: [], answers: [], rows: 0 };
      batches.push(batch);
    }
    batch.prompts.push(ids);
    batch.answers.push(indices);
    batch.rows = batch.prompts.length * ids.length;
  }
  return batches;
}
