/** The error of this package. Wrong kinds of argument are TypeErrors; encoders' errors pass through. */

/**
 * - `width`: image embeddings that are not as wide as the head
 * - `checkpoint`: image embeddings of another checkpoint
 * - `logit-scale`: neither the checkpoint nor an option says it, or it is no number
 * - `bad-vector`: an embedding that is not finite or has no length, or prompts of a class that cancel out
 * - `bad-file`: a file that holds no head, or a damaged one
 */
export type ZeroShotErrorCode = "width" | "checkpoint" | "logit-scale" | "bad-vector" | "bad-file";

/** A head that cannot be built, read, or used on what it was given. */
export class ZeroShotError extends Error {
  override readonly name = "ZeroShotError";
  constructor(
    readonly code: ZeroShotErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
