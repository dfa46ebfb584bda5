/** What is asked of an encoder and its tokenizer. Structural: those of `textower` fit, and so does anything like them. */

/** Tokens of one prompt: start of text, …, end of text, no padding. */
export interface PromptTokens {
  readonly ids: ArrayLike<number>;
  /** Position in `ids` where the embedding is taken. */
  readonly endOfText?: number;
}

/**
 * What becomes of a text of too many tokens: an error, or its last tokens are cut. Windows, which the facade has too, are
 * several prompts for one vector: not here.
 */
export type LongText = "error" | "truncate";

/** A text, or its tokens. */
export type Prompt = string | PromptTokens;

/** A tokenizer, as `createTokenizer` of `@textower/tokenizer` makes one. */
export interface PromptTokenizer {
  /** Most tokens of a prompt, start and end included. */
  readonly contextLength: number;
  /** Ids are below this. */
  readonly vocabularySize: number;
  readonly startOfText: { readonly id: number };
  readonly endOfText: { readonly id: number };
  /** Throws a `TextTooLongError` for a text that does not fit, unless `truncate`. */
  encode(
    text: string,
    options: { readonly truncate: boolean },
  ): { readonly ids: Int32Array; readonly endOfText: number; readonly cut: number };
}

/** An encoder: one of `createTextEncoder` or `createWorkerTextEncoder` will do. */
export interface PromptEncoder {
  readonly info: {
    /** Name of the checkpoint. */
    readonly checkpoint: string;
    readonly embedDim: number;
    /** Most rows of a run. */
    readonly maxRows: number;
  };
  /** Encoders in a worker have none here: pass one beside them. */
  readonly tokenizer?: PromptTokenizer;
  encode(
    prompts: readonly (PromptTokens & { readonly ids: Int32Array })[],
    options: { readonly signal: AbortSignal },
  ): Promise<{
    /** Of length 1 each. [prompts, embedDim] */
    readonly data: Float32Array;
    /** Rows that were computed. */
    readonly rows: number;
  }>;
}
