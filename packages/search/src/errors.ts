/** The error of this package. Wrong kinds of argument are TypeErrors; what an engine throws by itself passes through. */

/**
 * - `width`: vectors that are not as wide as the index, or an index that is stored with another width
 * - `checkpoint`: vectors of another checkpoint, or an index that is stored with another
 * - `bad-vector`: a vector that is not finite or has no length
 * - `bad-entry`: an id or metadata that not every engine could keep
 * - `duplicate-id`: one id twice in one call
 * - `bad-filter`: a filter that says nothing an engine could do
 * - `bad-file`: bytes that hold no saved index, or a damaged one
 * - `unsupported`: an engine cannot do what is asked
 * - `closed`: an index was used after `close()`
 */
export type SearchErrorCode =
  | "width"
  | "checkpoint"
  | "bad-vector"
  | "bad-entry"
  | "duplicate-id"
  | "bad-filter"
  | "bad-file"
  | "unsupported"
  | "closed";

/** Something that cannot be put into an index, asked of it, or read as one. */
export class SearchError extends Error {
  override readonly name = "SearchError";
  constructor(
    readonly code: SearchErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
