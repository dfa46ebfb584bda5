/**
 * `createEmbeddingServer`: an encoder as a server that speaks OpenAI's embeddings API.
 *
 * Not here: what the routes do (`routes.ts`), batching (`batching-encoder.ts`). The encoder should work on another thread
 * (`createWorkerTextEncoder`): one on this thread answers nothing while it computes.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import cors from "@fastify/cors";
import Fastify from "fastify";
import type { FastifyInstance } from "fastify";
import { BatchingEncoder } from "./batching-encoder.js";
import type { BatchingOptions } from "./batching.js";
import { answerClientError } from "./client-error.js";
import type { LongText, PromptEncoder } from "./encoder.js";
import { ServerMetrics } from "./metrics.js";
import { embeddingRoutes } from "./routes.js";

/** Options of `createEmbeddingServer`. Times are in milliseconds. */
export interface EmbeddingServerOptions extends BatchingOptions {
  /** Stays the caller's, who disposes of it after `close`. */
  readonly encoder: PromptEncoder;
  /** What the model is called. Default: the last two parts of the checkpoint's path or name. */
  readonly model?: string;
  /** Other names that it answers to, such as "text-embedding-3-small" for clients that cannot be told better. */
  readonly aliases?: readonly string[];
  /** What becomes of texts that are too long. Default "error". */
  readonly longText?: LongText;
  /** Keys of which requests to `/v1` and `/metrics` need one, as `Authorization: Bearer KEY`. Default: none is needed. */
  readonly apiKeys?: readonly string[];
  /** Origins whose pages may call, or "*" for all. Default: none. */
  readonly cors?: readonly string[] | "*";
  /** Most bytes of a body. Default 1 MiB. */
  readonly bodyLimit?: number;
  /** Most prompts of a request. Default 2048, as of OpenAI's API. */
  readonly maxInputs?: number;
  /** Most connections; further ones are closed at once. Default 1024. */
  readonly maxConnections?: number;
  /** For a request's headers to come. Default 10,000. */
  readonly headersTimeout?: number;
  /** For a whole request to come. Default 30,000. */
  readonly requestTimeout?: number;
  /** For a connection to wait for another request. Default 65,000: longer than proxies usually do. */
  readonly keepAliveTimeout?: number;
  /** For an answer to be read. Default 30,000. */
  readonly responseTimeout?: number;
  /** Whether `/metrics` has memory, processor time and event loop delay of the process, too. Default false. */
  readonly processMetrics?: boolean;
  /** Told of errors that clients see as 500 without a reason. Default: nobody is. */
  readonly onError?: (error: unknown) => void;
}

/** Where to listen. */
export interface ListenOptions {
  /** Default "127.0.0.1": this machine only. */
  readonly host?: string;
  /** Default 0: one that is free. */
  readonly port?: number;
}

/** Options of `close`. */
export interface CloseOptions {
  /** Milliseconds for what runs and waits; then it is answered 503, and connections are closed. Default 10,000. */
  readonly deadline?: number;
}

/** A server. Made by `createEmbeddingServer`. */
export interface EmbeddingServer extends AsyncDisposable {
  /** What requests go through; calls beside HTTP can go through it as well. */
  readonly encoder: BatchingEncoder;
  /** For frameworks that take `(request, response)`: Express, `node:http`. Such a server has its own limits and end. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** Rejects with what the system says, such as EADDRINUSE. */
  listen(
    options?: ListenOptions,
  ): Promise<{ readonly host: string; readonly port: number; readonly url: string }>;
  /** Accepts nothing more, finishes what runs and waits, and closes. Twice is harmless. */
  close(options?: CloseOptions): Promise<void>;
}

/** How often Node looks for requests that take too long, in milliseconds. */
const CHECK_INTERVAL = 1000;
/** How often connections are looked at while the server ends, in milliseconds. */
const IDLE_INTERVAL = 100;
/** Milliseconds for the answers to what a deadline cut off. */
const LAST_ANSWERS = 250;

/**
 * Makes a server; it listens when `listen` is called.
 * Rejects with TypeError or RangeError for options that cannot be meant.
 * @example
 * const server = await createEmbeddingServer({ encoder });
 * const { url } = await server.listen({ port: 8000 });
 */
export async function createEmbeddingServer(options: EmbeddingServerOptions): Promise<EmbeddingServer> {
  const {
    encoder: served,
    model = shortName(served.info.checkpoint),
    bodyLimit = 2 ** 20,
    headersTimeout = 10_000,
    requestTimeout = 30_000,
    keepAliveTimeout = 65_000,
    onError = () => undefined,
  } = options;
  let closing = false;
  const encoder = new BatchingEncoder(served, {
    ...options,
    onBatch: (batch) => {
      metrics.batch(batch);
      options.onBatch?.(batch);
    },
  });
  const metrics = new ServerMetrics(() => encoder.depth, options.processMetrics ?? false);
  const app = Fastify({
    bodyLimit,
    requestTimeout,
    keepAliveTimeout,
    http: {
      headersTimeout,
      connectionsCheckingInterval: Math.min(CHECK_INTERVAL, headersTimeout, requestTimeout),
    },
    return503OnClosing: false, // ours has a body that clients understand
    clientErrorHandler(error, socket) {
      const status = answerClientError(error, socket);
      if (status !== undefined) metrics.unreadable(status);
    },
  });
  app.server.maxConnections = options.maxConnections ?? 1024;
  if (options.cors !== undefined) {
    await app.register(cors, {
      origin: options.cors === "*" ? "*" : [...options.cors],
      methods: ["GET", "POST"],
      exposedHeaders: ["Retry-After"],
    });
  }
  await app.register(embeddingRoutes, {
    encoder,
    metrics,
    model,
    aliases: options.aliases ?? [],
    apiKeys: options.apiKeys ?? [],
    longText: options.longText ?? "error",
    bodyLimit,
    maxInputs: options.maxInputs ?? 2048,
    responseTimeout: options.responseTimeout ?? 30_000,
    onError,
    closing: () => closing,
  });
  await app.ready();

  let end: Promise<void> | undefined;
  const close = (deadline: number): Promise<void> => {
    closing = true;
    end ??= shutDown(app, encoder, deadline);
    return end;
  };
  return {
    encoder,
    handler: (request, response) => app.routing(request, response),
    async listen({ host = "127.0.0.1", port = 0 } = {}) {
      const url = await app.listen({ host, port });
      return { host, port: (app.server.address() as AddressInfo).port, url };
    },
    close: ({ deadline = 10_000 } = {}) => close(deadline),
    [Symbol.asyncDispose]: () => close(0),
  };
}

async function shutDown(app: FastifyInstance, encoder: BatchingEncoder, deadline: number): Promise<void> {
  const controller = new AbortController();
  let last: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    controller.abort();
    last = setTimeout(() => app.server.closeAllConnections(), LAST_ANSWERS);
  }, deadline);
  // Connections that became idle after the server stopped listening would stay until they time out.
  const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_INTERVAL);
  await Promise.all([app.close(), encoder.close({ signal: controller.signal })]);
  clearInterval(idle);
  clearTimeout(timer);
  clearTimeout(last);
}

/** The last two parts of a path or address: what does not change from machine to machine, and tells nothing of it. */
function shortName(checkpoint: string): string {
  return checkpoint.split(/[?#]/, 1)[0]!.split(/[/\\]/).filter(Boolean).slice(-2).join("/");
}
