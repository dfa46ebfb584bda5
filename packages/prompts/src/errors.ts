/** The error of this package. Wrong kinds of argument are TypeErrors and RangeErrors; encoders' errors pass through. */

/**
 * - `width`: embeddings of different widths
 * - `bad-vector`: an embedding that is not finite, or has no length
 * - `no-direction`: a result whose parts cancel out
 */
export type PromptsErrorCode = "width" | "bad-vector" | "no-direction";

/** Embeddings that do not go together, or from which nothing can be had. */
export class PromptsError extends Error {
  override readonly name = "PromptsError";
  constructor(
    readonly code: PromptsErrorCode,
    message: string,
  ) {
    super(message);
  }
}
