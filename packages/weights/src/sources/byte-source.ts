/**
 * `ByteSource`: random access to the bytes of one file, wherever it lies. Readers of formats know nothing else of files.
 *
 * Not here: caching, retries, formats.
 */

/** Random access to bytes. */
export interface ByteSource {
  /** For messages: a path or address, without credentials or query. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Whether each read costs a round trip over a network. Readers that know what comes next fetch ahead then. */
  readonly isRemote?: boolean;
  /**
   * Fills `into` with the bytes from `offset` on. The array belongs to the caller, who leaves it alone until the
   * promise settles; a promise that rejects may leave it half filled. Reads may overlap in time.
   *
   * Rejects with ByteSourceError (range, missing bytes, closed) or with the signal's reason.
   */
  read(offset: number, into: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Frees handles. Twice is harmless; a read afterwards rejects with code `closed`. */
  close(): Promise<void>;
}

/**
 * What went wrong with bytes:
 *
 * - `not-found`, `not-a-file`, `no-file-system`: there is nothing to open, or no way to
 * - `bad-path`: a path that leads out of its collection
 * - `too-large`: a config or an index larger than any is
 * - `out-of-range`: bytes outside the file were asked for
 * - `short-read`: the file ended early, it must have shrunk since it was opened
 * - `closed`: read after `close()`
 * - `read-failed`: the runtime failed; `cause` holds what it threw
 * - `http-status`, `range-ignored`, `bad-content-range`, `short-body`, `long-body`, `changed`, `network`: see `HttpError`
 */
export type ByteSourceErrorCode =
  | "not-found"
  | "not-a-file"
  | "no-file-system"
  | "bad-path"
  | "too-large"
  | "out-of-range"
  | "short-read"
  | "closed"
  | "read-failed"
  | HttpErrorCode;

/** The bytes of a file are not to be had. */
export class ByteSourceError extends Error {
  override readonly name: string = "ByteSourceError";
  constructor(
    readonly code: ByteSourceErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * What went wrong over HTTP:
 *
 * - `http-status`: neither 200 nor 206
 * - `range-ignored`: 200, the server would send the whole file
 * - `bad-content-range`: `Content-Range` is missing, malformed or not what was asked for
 * - `short-body`, `long-body`: fewer or more bytes than announced
 * - `changed`: size or ETag differ from when the file was opened
 * - `network`: the request failed; `cause` holds why
 */
export type HttpErrorCode =
  | "http-status"
  | "range-ignored"
  | "bad-content-range"
  | "short-body"
  | "long-body"
  | "changed"
  | "network";

/** An HTTP server answered otherwise than a range request needs. */
export class HttpError extends ByteSourceError {
  override readonly name: string = "HttpError";
  /** HTTP status, where an answer came. */
  readonly status: number | undefined;
  constructor(
    code: HttpErrorCode,
    message: string,
    options: ErrorOptions & { readonly status?: number } = {},
  ) {
    super(code, message, options);
    this.status = options.status;
  }
}

/** What differs from source to source; `guard` adds what does not. */
interface Implementation {
  readonly name: string;
  readonly size: number;
  readonly isRemote?: boolean;
  /** Fills `into`; the range lies within the file, and `into` is not empty. */
  fill(offset: number, into: Uint8Array, signal: AbortSignal | undefined): Promise<void>;
  release?(): Promise<void>;
}

/** A source that checks ranges, signals and use after `close()` before it lets `fill` work. */
export function guard(implementation: Implementation): ByteSource {
  const { name, size } = implementation;
  let closed: Promise<void> | undefined;
  return {
    name,
    size,
    isRemote: implementation.isRemote ?? false,
    async read(offset, into, signal) {
      signal?.throwIfAborted();
      if (closed !== undefined) throw new ByteSourceError("closed", `${name}: read after close()`);
      const end = offset + into.length;
      if (!Number.isSafeInteger(offset) || offset < 0 || end > size) {
        throw new ByteSourceError(
          "out-of-range",
          `${name}: expected bytes within 0..${size}, got ${offset}..${end}`,
        );
      }
      if (into.length > 0) await implementation.fill(offset, into, signal);
      signal?.throwIfAborted();
    },
    close() {
      closed ??= implementation.release?.() ?? Promise.resolve();
      return closed;
    },
  };
}

/** Whether a value given by a user is a source. */
export function isByteSource(value: unknown): value is ByteSource {
  if (typeof value !== "object" || value === null) return false;
  const candidate = value as Partial<ByteSource>;
  return typeof candidate.read === "function" && typeof candidate.size === "number";
}
