// The errors this package throws by name. Wrong kinds of argument are plain TypeErrors.

/** A text has more tokens than the context holds, and truncation was not asked for. */
export class TextTooLongError extends RangeError {
  override readonly name = "TextTooLongError";
  /** Tokens of the text, start and end of text included. */
  readonly length: number;
  /** Tokens that fit. */
  readonly contextLength: number;
  /** `length - contextLength`. */
  readonly excess: number;
  /** Place of the text in its batch; 0 for a single text. */
  readonly index: number;

  constructor(text: string, length: number, contextLength: number, index: number) {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    super(
      `encode: expected at most ${contextLength} tokens, got ${length} (${length - contextLength} too many) ` +
        `in text ${index}: ${JSON.stringify(shown)}; shorten it, or let it be truncated`,
    );
    this.length = length;
    this.contextLength = contextLength;
    this.excess = length - contextLength;
    this.index = index;
  }
}

/** A vocabulary file is damaged, hostile, or not of CLIP's kind. */
export class VocabularyError extends Error {
  override readonly name = "VocabularyError";
}

/** An option of `createTokenizer` is out of its range, or options contradict one another. */
export class TokenizerOptionsError extends RangeError {
  override readonly name = "TokenizerOptionsError";
}
