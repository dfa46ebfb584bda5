/** The error of this package. Errors of encoders, files of vectors and the file system pass through. */

/**
 * - `bad-option`: an option that cannot be meant
 * - `bad-input`: captions that cannot be read: no UTF-8, a missing column, an empty or too long text
 * - `other-job`: a work directory that holds shards of something else
 * - `bad-shard`: a finished shard that is not what it has to be
 * - `incomplete`: shards are missing where all are needed
 * - `job-failed`: a worker has given a shard up
 */
export type BulkErrorCode =
  | "bad-option"
  | "bad-input"
  | "other-job"
  | "bad-shard"
  | "incomplete"
  | "job-failed";

/** A file of captions that cannot be embedded as asked. */
export class BulkError extends Error {
  override readonly name = "BulkError";
  constructor(
    readonly code: BulkErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
