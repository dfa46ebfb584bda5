/** Answers to what is not even a request: bytes that are no HTTP, headers without an end, clients that take too long. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { ApiError } from "./api-error.js";

/** Milliseconds for the answer to leave. */
const LAST_WRITE = 1000;

/**
 * Answers on the bare socket, where that is still possible, and closes it.
 * @returns the status that was sent; undefined if nobody is there to read one
 */
export function answerClientError(
  error: Error & { readonly code?: string },
  socket: Socket,
): number | undefined {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return undefined;
  }
  const { status, body } = answerTo(error.code);
  const text = JSON.stringify(body);
  // A client that reads nothing would keep the socket: its buffer is full of an earlier answer.
  const timer = setTimeout(() => socket.destroy(), LAST_WRITE);
  socket.once("close", () => clearTimeout(timer));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
    () => socket.destroy(),
  );
  return status;
}

/** Codes are Node's and those of its parser. */
function answerTo(code: string | undefined): ApiError {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new ApiError(408, "The request took too long to come.", { code: "request_timeout" });
    case "HPE_HEADER_OVERFLOW":
      return new ApiError(431, "The headers are too large.", { code: "headers_too_large" });
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new ApiError(413, "The chunk extensions are too large.", { code: "body_too_large" });
    default:
      return new ApiError(400, "expected a request of HTTP/1.1, got something else", { code: "bad_request" });
  }
}
