/**
 * A file behind HTTP by `Range` requests (RFC 9110, section 14): only what is asked for is fetched.
 *
 * Not here: retries, a disk cache, the Hub's protocol. A server that ignores `Range` is refused rather than made to
 * send everything.
 */
import { guard, HttpError } from "./byte-source.js";
import type { ByteSource } from "./byte-source.js";

/** Options of `httpSource`. */
export interface HttpSourceOptions {
  /** Default: the runtime's `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Sent with each request, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Aborts the opening; later reads have signals of their own. */
  readonly signal?: AbortSignal;
}

/**
 * Bytes asked for by the first request, which also tells the size. It is to cover the header of a checkpoint, so that
 * opening costs one request: headers of whole CLIP checkpoints are 30 to 100 KiB.
 */
const FIRST_BYTES = 128 * 1024;

/**
 * Opens a URL with one request for its first 128 KiB; these are kept and serve reads within them.
 * Rejects with HttpError (see `HttpErrorCode`) or the signal's reason.
 */
export async function httpSource(url: string | URL, options: HttpSourceOptions = {}): Promise<ByteSource> {
  const name = displayName(url);
  const fetch = options.fetch ?? globalThis.fetch;

  const request = async (begin: number, end: number, signal: AbortSignal | undefined): Promise<Response> => {
    // `fetch` itself asks for `Accept-Encoding: identity` with every range (Fetch standard, HTTP-network-or-cache fetch).
    const headers = { ...options.headers, Range: `bytes=${begin}-${end - 1}` };
    try {
      return await fetch(url, { headers, ...(signal && { signal }) });
    } catch (cause) {
      signal?.throwIfAborted();
      throw new HttpError("network", `${name}: request failed: ${messageOf(cause)}`, { cause });
    }
  };

  const first = await request(0, FIRST_BYTES, options.signal);
  if (first.status === 416 && /^bytes \*\/0$/.test(first.headers.get("Content-Range") ?? "")) {
    await discard(first);
    return guard({ name, size: 0, async fill() {} });
  }
  const range = await contentRange(first, name);
  const size = range.size;
  const etag = first.headers.get("ETag");
  const head = new Uint8Array(Math.min(FIRST_BYTES, size));
  await expectRange(first, range, { begin: 0, end: head.length, size, etag, name });
  await fillFromBody(first, head, name, options.signal);

  return guard({
    name,
    size,
    isRemote: true,
    async fill(offset, into, signal) {
      // What the first request brought is not fetched again.
      const known = Math.max(0, Math.min(head.length - offset, into.length));
      if (known > 0) into.set(head.subarray(offset, offset + known));
      if (known === into.length) return;
      const begin = offset + known;
      const end = offset + into.length;
      const response = await request(begin, end, signal);
      await expectRange(response, await contentRange(response, name), { begin, end, size, etag, name });
      await fillFromBody(response, into.subarray(known), name, signal);
    },
  });
}

/**
 * Fetches a small file as a whole, for servers that send configs without regard to `Range`, compressed perhaps.
 * Rejects with HttpError `http-status`, `network`, `long-body` beyond `mostBytes`, or the signal's reason.
 */
export async function fetchWhole(
  url: string | URL,
  mostBytes: number,
  options: HttpSourceOptions = {},
): Promise<Uint8Array> {
  const name = displayName(url);
  const { signal, headers } = options;
  const fetch = options.fetch ?? globalThis.fetch;
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const response = await fetch(url, { ...(headers && { headers }), ...(signal && { signal }) });
    const { status, statusText } = response;
    if (!response.ok) {
      await discard(response);
      const text = statusText === "" ? "" : ` ${statusText}`;
      throw new HttpError("http-status", `${name}: expected 200, got ${status}${text}`, { status });
    }
    const reader = (response.body ?? new Blob([]).stream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      length += value.length;
      if (length > mostBytes) {
        await reader.cancel().catch(() => {});
        throw new HttpError("long-body", `${name}: expected at most ${mostBytes} bytes, got more`, {
          status,
        });
      }
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof HttpError) throw cause;
    throw new HttpError("network", `${name}: request failed: ${messageOf(cause)}`, { cause });
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Address without user, password, query and fragment: those may be secrets, and messages end up in logs. */
export function displayName(url: string | URL): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return String(url);
  }
}

interface ContentRange {
  readonly begin: number;
  readonly end: number;
  readonly size: number;
}

/** The range a 206 answer says it carries; anything but a 206 is an error. */
async function contentRange(response: Response, name: string): Promise<ContentRange> {
  const { status } = response;
  if (status !== 206) await discard(response);
  if (status === 200) {
    throw new HttpError(
      "range-ignored",
      `${name}: expected 206 to a Range request, got 200: the server would send the whole file; ` +
        `download it, or pass its bytes as an ArrayBuffer`,
      { status },
    );
  }
  if (status !== 206) {
    const text = response.statusText === "" ? "" : ` ${response.statusText}`;
    throw new HttpError("http-status", `${name}: expected 206, got ${status}${text}`, { status });
  }
  const header = response.headers.get("Content-Range");
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header ?? "");
  if (match === null) {
    await discard(response);
    const got = header === null ? "none (is it exposed by Access-Control-Expose-Headers?)" : `"${header}"`;
    throw new HttpError("bad-content-range", `${name}: expected Content-Range "bytes b-e/size", got ${got}`, {
      status,
    });
  }
  return { begin: Number(match[1]), end: Number(match[2]) + 1, size: Number(match[3]) };
}

/** Checks an answer against what was asked for and what the file was like when it was opened. */
async function expectRange(
  response: Response,
  got: ContentRange,
  expected: ContentRange & { readonly etag: string | null; readonly name: string },
): Promise<void> {
  const { name, etag } = expected;
  const newTag = response.headers.get("ETag");
  if (got.size !== expected.size || (etag !== null && newTag !== null && etag !== newTag)) {
    await discard(response);
    const [was, is] =
      got.size === expected.size ? [etag, newTag] : [`${expected.size} bytes`, `${got.size} bytes`];
    throw new HttpError("changed", `${name}: the file changed while it was open: ${was}, now ${is}`, {
      status: 206,
    });
  }
  if (got.begin !== expected.begin || got.end !== expected.end) {
    await discard(response);
    throw new HttpError(
      "bad-content-range",
      `${name}: expected bytes ${expected.begin}..${expected.end}, got ${got.begin}..${got.end}`,
      { status: 206 },
    );
  }
}

/** Streams a body into an array that it has to fill exactly. */
async function fillFromBody(
  response: Response,
  into: Uint8Array,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { status } = response;
  let at = 0;
  // A body may be absent where the runtime has nothing to give.
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) break;
      if (at + value.length > into.length) {
        throw new HttpError("long-body", `${name}: expected ${into.length} bytes, got more`, { status });
      }
      into.set(value, at);
      at += value.length;
    }
  } catch (cause) {
    await reader.cancel().catch(() => {});
    signal?.throwIfAborted();
    if (cause instanceof HttpError) throw cause;
    const message = `${name}: connection lost after ${at} of ${into.length} bytes: ${messageOf(cause)}`;
    throw new HttpError("network", message, { cause, status });
  }
  if (at !== into.length) {
    throw new HttpError("short-body", `${name}: expected ${into.length} bytes, got ${at}`, { status });
  }
}

/** Ends an answer whose body nobody wants, so that the connection is free. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
