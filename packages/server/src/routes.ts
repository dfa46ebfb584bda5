/**
 * `embeddingRoutes`: the API as a Fastify plugin: `POST /v1/embeddings`, `GET /v1/models`, `/healthz`, `/readyz`,
 * `/metrics`.
 *
 * Not here: sockets, timeouts, shutting down (`server.ts`).
 */
import { setMaxListeners } from "node:events";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ApiError, shuttingDown, toApiError, unsupportedType } from "./api-error.js";
import { apiKeyCheck } from "./api-key.js";
import type { BatchingEncoder } from "./batching-encoder.js";
import type { LongText } from "./encoder.js";
import { noSuchModel, parseJson, readEmbeddingRequest } from "./embedding-request.js";
import { embeddingResponse } from "./embedding-response.js";
import type { ServerMetrics } from "./metrics.js";

/** Options of `embeddingRoutes`. */
export interface EmbeddingRoutesOptions {
  readonly encoder: BatchingEncoder;
  readonly metrics: ServerMetrics;
  /** What the model is called in requests and answers. */
  readonly model: string;
  /** Other names that it answers to. */
  readonly aliases: readonly string[];
  /** Keys that are let in to `/v1` and `/metrics`. None: everybody is. */
  readonly apiKeys: readonly string[];
  /** What becomes of texts that are too long. */
  readonly longText: LongText;
  /** Bytes of a body. */
  readonly bodyLimit: number;
  /** Prompts of a request. */
  readonly maxInputs: number;
  /** Milliseconds in which a client has to have read its answer. */
  readonly responseTimeout: number;
  /** Told of what is the server's fault. */
  readonly onError: (error: unknown) => void;
  /** Whether requests are turned away. */
  readonly closing: () => boolean;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/** What proxies call a request whose client went away; never sent. */
const CLIENT_WENT_AWAY = 499;

/** See the file's head. */
export async function embeddingRoutes(app: FastifyInstance, options: EmbeddingRoutesOptions): Promise<void> {
  const { encoder, metrics, model, bodyLimit, maxInputs, longText } = options;
  const created = Math.floor(Date.now() / 1000);
  const models = new Set([model, ...options.aliases]);
  const limits = { models, embedDim: encoder.info.embedDim, maxInputs };
  const checkKey = options.apiKeys.length === 0 ? undefined : apiKeyCheck(options.apiKeys);
  const authorized = (request: FastifyRequest, _: FastifyReply, done: (error?: Error) => void): void => {
    try {
      checkKey?.(request.headers.authorization);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
  const departures = new WeakMap<Socket, AbortController>();

  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    try {
      checkCoding(request);
      done(null, parseJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook("onRequest", (request, reply, done) => {
    observe(request, reply, metrics);
    done(options.closing() && request.routeOptions.url !== "/healthz" ? shuttingDown() : undefined);
  });
  app.addHook("onSend", (_, reply, payload, done) => {
    limitReading(reply, options.responseTimeout);
    if (options.closing()) reply.header("connection", "close");
    done(null, payload);
  });
  app.setErrorHandler((error, _, reply) => {
    const answer = toApiError(error, bodyLimit);
    if (answer.status >= 500 && answer.cause !== undefined) options.onError(answer.cause);
    // What is left of a body is read and forgotten. A socket that is closed with bytes unread is reset, and the client
    // may never see this answer.
    reply.removeHeader("connection");
    return reply.code(answer.status).headers(answer.headers).send(answer.body);
  });

  app.get("/healthz", () => ({ status: "ok" }));
  app.get("/readyz", () => ({ status: "ready" }));
  app.get("/metrics", { onRequest: authorized }, async (_, reply) => {
    const text = await metrics.registry.metrics();
    return reply.type(metrics.registry.contentType).send(text);
  });
  const description = { id: model, object: "model", created, owned_by: "textower" };
  app.get("/v1/models", { onRequest: authorized }, () => ({ object: "list", data: [description] }));
  app.get<{ Params: { "*": string } }>("/v1/models/*", { onRequest: authorized }, ({ params }) => {
    const id = params["*"]; // names of the Hub have a slash, encoded or not
    if (!models.has(id)) throw noSuchModel(id);
    return description;
  });
  app.post("/v1/embeddings", { onRequest: authorized, bodyLimit }, async (request, reply) => {
    const { prompts, encoding } = readEmbeddingRequest(request.body, limits);
    const signal = departureOf(request.raw.socket, departures);
    const result = await encoder.encode(prompts, { longText, signal });
    return reply.type("application/json; charset=utf-8").send(embeddingResponse(result, encoding, model));
  });
  refuseOtherMethods(app, [
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/models",
    "/v1/models/*",
    "/v1/embeddings",
  ]);
  app.setNotFoundHandler(() => {
    throw new ApiError(404, "There is nothing at this path.", { code: "not_found" });
  });
}

/** Bodies are read as they come, in UTF-8. @throws ApiError 415 */
function checkCoding({ headers }: FastifyRequest): void {
  const coding = headers["content-encoding"];
  if (coding !== undefined && coding.toLowerCase() !== "identity") {
    throw unsupportedType("expected a body without content-encoding, got one with it");
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(headers["content-type"] ?? "")?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw unsupportedType("expected charset utf-8, got another one");
  }
}

/** Counts the request when its answer has gone out, or its client. */
function observe(request: FastifyRequest, reply: FastifyReply, metrics: ServerMetrics): void {
  const begun = performance.now();
  reply.raw.once("close", () => {
    const status = reply.raw.writableFinished ? reply.raw.statusCode : CLIENT_WENT_AWAY;
    metrics.request(request.routeOptions.url ?? "unknown", status, (performance.now() - begun) / 1000);
  });
}

/** Ends the connection of a client that does not read its answer. */
function limitReading(reply: FastifyReply, timeout: number): void {
  const response = reply.raw;
  const limit = (): void => {
    const timer = setTimeout(() => response.destroy(), timeout);
    response.once("close", () => clearTimeout(timer));
  };
  // Of several requests on a connection, answers are read in turn. One that is destroyed before its turn would leave the
  // connection open, and those behind it waiting.
  if (response.socket === null) response.once("socket", limit);
  else limit();
}

/** A signal that is aborted when the connection ends. One a connection, for all of its requests. */
function departureOf(socket: Socket, departures: WeakMap<Socket, AbortController>): AbortSignal {
  let controller = departures.get(socket);
  if (controller === undefined) {
    controller = new AbortController();
    setMaxListeners(0, controller.signal); // requests may be sent without waiting for answers
    departures.set(socket, controller);
    const depart = (): void => controller!.abort(new ApiError(CLIENT_WENT_AWAY, "The client went away."));
    if (socket.destroyed) depart();
    else socket.once("close", depart);
  }
  return controller.signal;
}

function refuseOtherMethods(app: FastifyInstance, paths: readonly string[]): void {
  for (const url of paths) {
    const others = METHODS.filter((method) => !app.hasRoute({ method, url: `${app.prefix}${url}` }));
    const allow = METHODS.filter((method) => !others.includes(method)).join(", ");
    const handler = (): never => {
      throw new ApiError(405, `expected ${allow}, got another method`, {
        code: "method_not_allowed",
        headers: { allow },
      });
    };
    // Before the body: it is not wanted.
    app.route({ method: others, url, onRequest: handler, handler });
  }
}
