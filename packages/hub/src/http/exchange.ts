/**
 * One request and its answer: redirects, where the token goes, and a watch that ends it when nothing comes any more.
 *
 * Not here: further attempts (`retrying`), what a status means (`statusError`).
 */
import { HubError, Retryable } from "../errors.js";
import type { Settings } from "../options.js";
import type { Platform } from "../platform.js";

/** What requests go through. */
export interface Connection {
  readonly settings: Settings;
  readonly platform: Pick<Platform, "redirects" | "sleep" | "random">;
}

/** A request. */
export interface HubRequest {
  /** For messages: no address, since those may be signed. */
  readonly label: string;
  readonly url: URL;
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether redirects to another origin are followed too. Browsers follow them in any case. */
  readonly leave: boolean;
}

/** An answer. */
export interface HubAnswer {
  readonly response: Response;
  /** The address that answered. */
  readonly url: URL;
  /** Headers of the last answer of the origin that was asked: what a hub says before it redirects to storage. */
  readonly hub: Headers;
  /** Calls back with each piece of the body. */
  eachChunk(use: (chunk: Uint8Array) => void | Promise<void>): Promise<void>;
}

/** A redirect may lead to one that leads on, but not for ever: as many as the Fetch standard allows. */
const MAX_REDIRECTS = 20;

/**
 * Sends a request and lets `use` read the answer; whatever is left of it afterwards is dropped.
 * Rejects with Retryable for what another attempt may mend, with what `use` rejects with, or with the signal's reason.
 */
export async function exchange<T>(
  connection: Connection,
  request: HubRequest,
  signal: AbortSignal | undefined,
  use: (answer: HubAnswer) => T | Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const { timeoutMs } = connection.settings;
  const controller = new AbortController();
  let stalled = false;
  let watch: ReturnType<typeof setTimeout> | undefined;
  const unwatch = (): void => clearTimeout(watch);
  const rewatch = (): void => {
    unwatch();
    watch = setTimeout(() => {
      stalled = true;
      controller.abort();
    }, timeoutMs);
  };
  const abort = (): void => controller.abort();
  signal?.addEventListener("abort", abort, { once: true });

  /** Awaits the network. */
  const network = async <V>(promise: Promise<V>): Promise<V> => {
    rewatch();
    try {
      return await promise;
    } catch (cause) {
      signal?.throwIfAborted();
      if (stalled) {
        const message = `${request.label}: nothing came for ${timeoutMs} ms`;
        throw new Retryable(new HubError("stalled", message));
      }
      const message = `${request.label}: the connection failed: ${reasonOf(cause)}`;
      throw new Retryable(new HubError("network", message));
    } finally {
      unwatch();
    }
  };

  try {
    const hop = await follow(connection, request, controller.signal, network);
    return await use({
      ...hop,
      async eachChunk(use) {
        const reader = hop.response.body?.getReader();
        if (reader === undefined) return;
        for (;;) {
          const { done, value } = await network(reader.read());
          if (done) return;
          await use(value);
          signal?.throwIfAborted();
        }
      },
    });
  } finally {
    signal?.removeEventListener("abort", abort);
    controller.abort(); // frees the connection if there is more to come, and does nothing if there is not
  }
}

type Hop = Pick<HubAnswer, "response" | "url" | "hub">;

async function follow(
  { settings, platform }: Connection,
  request: HubRequest,
  signal: AbortSignal,
  network: <V>(promise: Promise<V>) => Promise<V>,
): Promise<Hop> {
  const visible = platform.redirects === "visible";
  let { url } = request;
  let hub = new Headers();
  for (let redirects = 0; ; redirects++) {
    const headers: Record<string, string> = { ...request.headers };
    // The one place where the token leaves: to the endpoint's own origin.
    if (settings.token !== undefined && url.origin === settings.origin) {
      headers["Authorization"] = `Bearer ${settings.token}`;
    }
    // Browsers ask for it by themselves with every range, and forbid to set it.
    if (visible) headers["Accept-Encoding"] = "identity";
    const response = await network(
      settings.fetch(url.href, {
        method: request.method ?? "GET",
        headers,
        signal,
        redirect: visible ? "manual" : "follow",
        credentials: "omit",
        // The browser's own cache would keep a second copy of everything, and hand out old listings.
        cache: "no-store",
      }),
    );
    if (url.origin === request.url.origin) hub = response.headers;
    const location = response.headers.get("Location");
    if (!visible || location === null || response.status < 300 || response.status > 399) {
      return { response, url: visible ? url : new URL(response.url || url.href), hub };
    }
    const next = parseLocation(location, url, request.label);
    if (next.origin !== url.origin && !request.leave) return { response, url, hub };
    if (redirects === MAX_REDIRECTS) {
      throw new Retryable(
        new HubError("bad-answer", `${request.label}: more than ${MAX_REDIRECTS} redirects`),
      );
    }
    await response.body?.cancel();
    url = next;
  }
}

function parseLocation(location: string, base: URL, label: string): URL {
  try {
    const url = new URL(location, base);
    if (url.protocol === "https:" || url.protocol === "http:") return url;
  } catch {
    // reported below
  }
  throw new HubError("bad-answer", `${label}: expected a redirect to an http(s) address`);
}

/** Why a connection failed, without what errors may quote: addresses and headers. */
function reasonOf(cause: unknown): string {
  for (let error = cause; error instanceof Error; error = error.cause) {
    const code = (error as { readonly code?: unknown }).code;
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]+$/.test(code)) return code;
  }
  return cause instanceof Error ? cause.name : "unknown reason";
}
