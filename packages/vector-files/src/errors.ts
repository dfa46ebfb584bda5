/** The error of this package. Errors of byte sources and of the safetensors format pass through. */

/**
 * - `unknown-format`: neither name nor first bytes say what the file is
 * - `bad-header`: a header, footer or page that the format does not allow
 * - `truncated`, `trailing-bytes`: fewer or more bytes than the header announces
 * - `unsupported`: a valid file that is not read here: element types, compressions, nested lists
 * - `no-vectors`: no tensor, column or field holds vectors, or not the one that was named
 * - `ambiguous`: several could be meant; name one
 * - `bad-row`: a row that is missing, not a list of numbers, or not as long as the others
 * - `not-finite`: a number that float32 cannot hold, infinity, or NaN
 * - `too-large`: a vector, line or page beyond what is read
 * - `bad-batch`: a batch that does not fit the file being written
 */
export type VectorFileErrorCode =
  | "unknown-format"
  | "bad-header"
  | "truncated"
  | "trailing-bytes"
  | "unsupported"
  | "no-vectors"
  | "ambiguous"
  | "bad-row"
  | "not-finite"
  | "too-large"
  | "bad-batch";

/** A file of vectors that cannot be read as one, or vectors that cannot be written to it. */
export class VectorFileError extends Error {
  override readonly name = "VectorFileError";
  constructor(
    readonly code: VectorFileErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Most numbers of a vector: sixteen times the widest that published encoders give. It bounds what a header can claim. */
const MAX_DIMENSION = 2 ** 16;

/** @throws VectorFileError `bad-header` or `too-large` for what no vector has */
export function checkDimension(name: string, dimension: number): void {
  if (dimension < 1)
    throw new VectorFileError("bad-header", `${name}: expected vectors of at least 1 number, got 0`);
  if (dimension <= MAX_DIMENSION) return;
  throw new VectorFileError(
    "too-large",
    `${name}: expected vectors of at most ${MAX_DIMENSION} numbers, got ${dimension}`,
  );
}

/** @throws VectorFileError `not-finite`, with the row in the file */
export function checkFinite(name: string, data: Float32Array, dimension: number, firstRow: number): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    const row = firstRow + Math.floor(i / dimension);
    throw new VectorFileError(
      "not-finite",
      `${name}: expected numbers that are finite as float32, got ${data[i]} at ${i % dimension} of row ${row}`,
    );
  }
}
