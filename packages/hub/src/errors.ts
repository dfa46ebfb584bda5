/** Errors of this package, and how a failed request is kept apart from one that may be tried again. */

/**
 * What went wrong:
 *
 * - `bad-name`, `bad-path`, `bad-option`: a repository, revision, file name or option that cannot be meant or is not safe
 * - `repository-not-found`, `revision-not-found`, `entry-not-found`: the hub knows no such thing
 * - `gated`: its conditions have to be accepted first, and a token given
 * - `unauthorized`, `forbidden`: 401 and 403 that say no more
 * - `rate-limited`: 429, still or for longer than is waited
 * - `http-status`: another status that is no success
 * - `network`, `stalled`, `cut`: no connection, nothing came for too long, the answer ended early
 * - `bad-answer`: an answer that breaks the protocol
 * - `size-mismatch`, `hash-mismatch`, `changed`: what came is not the file that was announced
 * - `range-ignored`: only parts are wanted, the server sends everything, and there is no cache to keep it in
 * - `offline`: not in the cache, and nothing may be fetched
 * - `no-space`: disk full, or the browser's quota or a file size limit reached
 * - `cache-not-writable`, `cache-failed`: the cache cannot be written or read; `cause` holds why
 */
export type HubErrorCode =
  | "bad-name"
  | "bad-path"
  | "bad-option"
  | "repository-not-found"
  | "revision-not-found"
  | "entry-not-found"
  | "gated"
  | "unauthorized"
  | "forbidden"
  | "rate-limited"
  | "http-status"
  | "network"
  | "stalled"
  | "cut"
  | "bad-answer"
  | "size-mismatch"
  | "hash-mismatch"
  | "changed"
  | "range-ignored"
  | "offline"
  | "no-space"
  | "cache-not-writable"
  | "cache-failed";

/** A file of a hub is not to be had. Holds no token, and of addresses no query: they may be signed. */
export class HubError extends Error {
  override readonly name = "HubError";
  /** HTTP status, where an answer came. */
  readonly status: number | undefined;
  constructor(
    readonly code: HubErrorCode,
    message: string,
    options: ErrorOptions & { readonly status?: number } = {},
  ) {
    super(message, options);
    this.status = options.status;
  }
}

/** A failure that another attempt may mend; never leaves the package. */
export class Retryable extends Error {
  override readonly name = "Retryable";
  constructor(
    /** What is thrown when there is no further attempt. */
    readonly error: HubError,
    /** Milliseconds the server asks to wait; by default it is up to the client. */
    readonly waitMs?: number,
  ) {
    super(error.message);
  }
}
