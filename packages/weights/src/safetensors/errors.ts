/** One code for each way in which a safetensors file can be wrong. */

/**
 * Rules of the format (safetensors README, "Format", and `tensor.rs`), in the order in which they are checked:
 *
 * - `too-short`: less than the 8 bytes of the header's length
 * - `header-too-large`: a header of more than 100,000,000 bytes
 * - `header-beyond-file`: the header would end after the file does
 * - `header-not-utf8`, `header-start` (first byte is not `{`), `header-not-json`
 * - `duplicate-key`: a name occurs twice
 * - `bad-metadata`: `__metadata__` is not an object of strings
 * - `bad-entry`: a tensor is not exactly {dtype, shape, data_offsets}
 * - `unknown-dtype`, `bad-shape`, `bad-offsets`: its members are not what they have to be
 * - `overflow`: elements or bytes beyond 2^53 − 1
 * - `partial-byte`: a sub-byte dtype whose elements do not fill whole bytes
 * - `size-mismatch`: the offsets are not as far apart as dtype and shape say
 * - `overlap`, `hole`: tensors do not follow one another without a gap, from 0 on
 * - `truncated`, `trailing-bytes`: the last tensor does not end where the file ends
 */
export type SafetensorsErrorCode =
  | "too-short"
  | "header-too-large"
  | "header-beyond-file"
  | "header-not-utf8"
  | "header-start"
  | "header-not-json"
  | "duplicate-key"
  | "bad-metadata"
  | "bad-entry"
  | "unknown-dtype"
  | "bad-shape"
  | "bad-offsets"
  | "overflow"
  | "partial-byte"
  | "size-mismatch"
  | "overlap"
  | "hole"
  | "truncated"
  | "trailing-bytes";

/** A file that breaks a rule of the format. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
  constructor(
    readonly code: SafetensorsErrorCode,
    /** The message without what stands before it. */
    private readonly finding: string,
    file?: string,
  ) {
    super(`safetensors: ${file === undefined ? "" : `${file}: `}${finding}`);
  }

  /** The same error, with the file's name in its message. */
  in(file: string): SafetensorsError {
    return new SafetensorsError(this.code, this.finding, file);
  }
}
