/** Errors as OpenAI's API has them: a status, and `{ error: { message, type, param, code } }`. */
import type { FastifyError } from "fastify";

/** An answer that says no. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** The field of the request that is at fault. */
  readonly param: string | null;
  /** For programs. */
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    options: {
      readonly param?: string;
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.param = options.param ?? null;
    this.code = options.code ?? null;
    this.headers = options.headers ?? {};
  }

  /** The body of the answer. */
  get body(): ErrorBody {
    const { message, status, param, code } = this;
    return { error: { message, type: typeOf(status), param, code } };
  }
}

/** What clients read. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

function typeOf(status: number): string {
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

/** What any error looks like from outside. Nothing is told of those that are nobody's fault but the server's. */
export function toApiError(error: unknown, bodyLimit: number): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof Error)) return internal(error);
  switch (error.name) {
    case "PromptError": {
      const { index } = error as Error & { readonly index: number };
      const message = error.message.replace(/^prompt \d+: /, "");
      return new ApiError(400, `input[${index}]: ${message}`, { param: "input", code: "invalid_input" });
    }
    case "CallTooLargeError":
      return new ApiError(400, error.message.replace("encode", "input"), {
        param: "input",
        code: "input_too_large",
      });
    case "QueueFullError": {
      const { retryAfterSeconds } = error as Error & { readonly retryAfterSeconds: number };
      return new ApiError(429, `The queue is full. Try again in ${retryAfterSeconds} s.`, {
        code: "rate_limit_exceeded",
        headers: { "retry-after": String(retryAfterSeconds) },
      });
    }
    case "QueueClosedError":
      return shuttingDown();
    default:
      return fromFastify(error as FastifyError, bodyLimit) ?? internal(error);
  }
}

/** For requests that come, or still wait, when the server ends. */
export function shuttingDown(): ApiError {
  return new ApiError(503, "The server is shutting down.", { code: "shutting_down" });
}

function fromFastify({ code, statusCode, message }: FastifyError, bodyLimit: number): ApiError | undefined {
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new ApiError(413, `expected a body of at most ${bodyLimit} bytes, got more`, {
        code: "body_too_large",
      });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return unsupportedType("expected a body of type application/json, got another type");
    default:
      // What comes of a body that ends early, a header that contradicts it, and so on.
      return statusCode !== undefined && statusCode >= 400 && statusCode < 500
        ? new ApiError(statusCode, message)
        : undefined;
  }
}

/** A body in a form that is not read. */
export function unsupportedType(message: string): ApiError {
  return new ApiError(415, message, { code: "unsupported_media_type" });
}

function internal(cause: unknown): ApiError {
  return new ApiError(500, "The server failed to encode the input.", { code: "internal_error", cause });
}
