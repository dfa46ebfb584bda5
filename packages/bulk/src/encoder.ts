/** What is asked of an encoder: that of `textower` fits. And how texts that are too long are dealt with, in one place. */

/**
 * What becomes of a text of too many tokens: an error that names its place; its last tokens are cut; or its vector is the mean
 * of windows that fit.
 */
export const LONG_TEXT_POLICIES = ["error", "truncate", "windows"] as const;
/** See `LONG_TEXT_POLICIES`. */
export type LongTextPolicy = (typeof LONG_TEXT_POLICIES)[number];

/** What is used of a text encoder. */
export interface BulkEncoder {
  readonly info: {
    /** Name of the checkpoint. */
    readonly checkpoint: string;
    readonly backend: string;
    readonly precision: string;
    /** Numbers of a vector. */
    readonly embedDim: number;
  };
  /** Rejects with an error that has `index` and the name TextTooLongError for a text that is too long. */
  encode(
    texts: readonly string[],
    options: {
      readonly normalize: boolean;
      readonly longText: LongTextPolicy;
      readonly signal?: AbortSignal;
    },
  ): Promise<{
    /** [texts, embedDim] */
    readonly data: Float32Array;
  }>;
}

/** Whether an encoder refused a text, and which: its place among the texts that it was given. */
export function tooLongIndex(error: unknown): number | undefined {
  if (!(error instanceof Error) || error.name !== "TextTooLongError") return undefined;
  return "index" in error && typeof error.index === "number" ? error.index : 0;
}
