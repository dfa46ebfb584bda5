/** The server on loopback: statuses, limits, keys, origins, what answers while a batch is computed, and its end. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createEmbeddingServer } from "../src/index.js";
import type { EmbeddingServer, EmbeddingServerOptions } from "../src/index.js";
import { post } from "./requests.js";
import type { ErrorAnswer } from "./requests.js";
import { captions, difference, gated, shapesEncoder, texts, until } from "./shapes.js";

let encoder: Awaited<ReturnType<typeof shapesEncoder>>;
beforeAll(async () => {
  encoder = await shapesEncoder();
});
afterAll(() => encoder.dispose());

const servers: EmbeddingServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ deadline: 0 })));
});

async function start(
  options: Partial<EmbeddingServerOptions> = {},
): Promise<EmbeddingServer & { readonly url: string }> {
  const server = await createEmbeddingServer({ encoder, model: "served", ...options });
  servers.push(server);
  return { ...server, url: (await server.listen()).url };
}

async function errorOf(response: Response): Promise<ErrorAnswer["error"] & { status: number }> {
  const { error } = (await response.json()) as ErrorAnswer;
  expect(Object.keys(error)).toEqual(["message", "type", "param", "code"]);
  return { status: response.status, ...error };
}

async function metricOf(url: string, line: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(
    text
      .split("\n")
      .find((each) => each.startsWith(`${line} `))
      ?.slice(line.length),
  );
}

describe("statuses", () => {
  test("unknown paths and methods", async () => {
    const { url } = await start();
    for (const path of ["/", "/v1", "/v1/completions", "/v1/embeddings/x", "/healthz/"]) {
      expect(await errorOf(await fetch(url + path))).toMatchObject({ status: 404, code: "not_found" });
    }
    const methods = [
      ["GET", "/v1/embeddings", "POST"],
      ["PUT", "/v1/embeddings", "POST"],
      ["DELETE", "/v1/models", "GET, HEAD"],
      ["POST", "/v1/models/served", "GET, HEAD"],
      ["POST", "/healthz", "GET, HEAD"],
      ["POST", "/metrics", "GET, HEAD"],
      ["OPTIONS", "/v1/embeddings", "POST"],
    ];
    for (const [method, path, allow] of methods) {
      const response = await fetch(url + path, { method: method! });
      expect(response.headers.get("allow")).toBe(allow);
      expect(await errorOf(response)).toMatchObject({ status: 405, code: "method_not_allowed" });
    }
    expect((await fetch(`${url}/healthz`, { method: "HEAD" })).status).toBe(200);
  });

  test("a body that is too large is not read, and the connection stays", async () => {
    const { url } = await start({ bodyLimit: 1000 });
    const input = "x".repeat(1000);
    const declared = await post(url, { model: "served", input });
    expect(await errorOf(declared)).toMatchObject({
      status: 413,
      message: "expected a body of at most 1000 bytes, got more",
      type: "invalid_request_error",
      code: "body_too_large",
    });
    const chunked = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 20; i++) controller.enqueue(Buffer.alloc(100, "x"));
        controller.close();
      },
    });
    const response = await post(url, "", { body: chunked, ...({ duplex: "half" } as object) });
    expect(response.status).toBe(413);
    const large = await post(url, Buffer.alloc(8 << 20, "x")); // more than sockets hold
    expect(large.status).toBe(413);
  });

  test("an encoder's error is a 500 that tells nothing, and is reported", async () => {
    const gate = gated(encoder);
    gate.open();
    gate.failsAt = encoder.tokenizer.encode("a blue star").ids.join();
    const errors: unknown[] = [];
    const { url } = await start({ encoder: gate, onError: (error) => errors.push(error) });
    const [bad, good] = await Promise.all([
      post(url, { model: "served", input: "a blue star" }),
      post(url, { model: "served", input: texts }),
    ]);
    expect(await errorOf(bad)).toEqual({
      status: 500,
      message: "The server failed to encode the input.",
      type: "server_error",
      param: null,
      code: "internal_error",
    });
    expect(good.status).toBe(200);
    expect(errors).toMatchObject([{ message: "cannot be encoded" }]);
  });

  test("a server that truncates says how many tokens it used", async () => {
    const { url } = await start({ longText: "truncate" });
    const response = await post(url, { model: "served", input: "dog ".repeat(90) });
    expect(await response.json()).toMatchObject({ usage: { prompt_tokens: 77 } });
  });

  test("more inputs than a request may have", async () => {
    const { url } = await start({ maxInputs: 2 });
    const refused = await post(url, { model: "served", input: ["a", "b", "c"] });
    expect(await errorOf(refused)).toMatchObject({ status: 400, param: "input", code: "input_too_large" });
    const { url: small } = await start({ maxQueuedPrompts: 2 });
    const never = await post(small, { model: "served", input: ["a", "b", "c"] });
    expect(await errorOf(never)).toMatchObject({ status: 400, param: "input", code: "input_too_large" });
  });
});

describe("while a batch is computed", () => {
  test("health, models, metrics and 429 are answered", async () => {
    const gate = gated(encoder);
    const { url } = await start({ encoder: gate, maxBatches: 1, maxQueuedPrompts: 2 });
    const running = post(url, { model: "served", input: "a red circle" });
    await until(() => gate.batches.length === 1);
    const waiting = post(url, { model: "served", input: ["a blue star", "two stars"] });
    await until(async () => (await metricOf(url, "textower_queue_prompts")) === 2);
    for (const path of ["/healthz", "/readyz", "/v1/models"])
      expect((await fetch(url + path)).status).toBe(200);
    const refused = await post(url, { model: "served", input: "a green ring" });
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await errorOf(refused)).toMatchObject({
      status: 429,
      type: "rate_limit_error",
      code: "rate_limit_exceeded",
    });
    gate.open();
    expect((await running).status).toBe(200);
    expect((await waiting).status).toBe(200);
    expect((await post(url, { model: "served", input: "a green ring" })).status).toBe(200);
  });

  test("a request whose client went away leaves the queue", async () => {
    const gate = gated(encoder);
    const { url } = await start({ encoder: gate, maxBatches: 1 });
    const running = post(url, { model: "served", input: "a red circle" });
    await until(() => gate.batches.length === 1);
    const controller = new AbortController();
    const gone = post(url, { model: "served", input: texts }, { signal: controller.signal });
    await until(async () => (await metricOf(url, "textower_queue_requests")) === 1);
    controller.abort();
    await expect(gone).rejects.toThrow();
    await until(async () => (await metricOf(url, "textower_queue_requests")) === 0);
    gate.open();
    expect((await running).status).toBe(200);
    await post(url, { model: "served", input: "a" });
    expect(gate.batches.flat()).toHaveLength(2);
    expect(await metricOf(url, 'textower_requests_total{route="/v1/embeddings",status="499"}')).toBe(1);
  });

  test("a client that goes away while its batch is computed stops it", async () => {
    const gate = gated(encoder);
    const { url } = await start({ encoder: gate });
    const controller = new AbortController();
    const gone = post(url, { model: "served", input: texts }, { signal: controller.signal });
    await until(() => gate.batches.length === 1);
    controller.abort();
    await expect(gone).rejects.toThrow();
    await until(() => gate.signals[0]!.aborted);
    gate.open();
  });
});

test("metrics count requests, prompts, tokens and rows", async () => {
  const { url } = await start({ processMetrics: true });
  await post(url, { model: "served", input: texts });
  await post(url, { model: "other", input: texts });
  await fetch(`${url}/nowhere`);
  const tokens = captions.reduce((sum, { ids }) => sum + ids.length, 0);
  const { rows } = await encoder.encode(texts);
  const expected: [line: string, value: number][] = [
    ['textower_requests_total{route="/v1/embeddings",status="200"}', 1],
    ['textower_requests_total{route="/v1/embeddings",status="404"}', 1],
    ['textower_requests_total{route="unknown",status="404"}', 1],
    ['textower_request_duration_seconds_count{route="/v1/embeddings"}', 2],
    ["textower_prompts_total", texts.length],
    ["textower_tokens_total", tokens],
    ["textower_rows_total", rows],
    ["textower_rows_saved_total", tokens - rows],
    ["textower_batch_prompts_sum", texts.length],
    ["textower_batch_requests_count", 1],
    ["textower_queue_prompts", 0],
    ["textower_batches", 0],
  ];
  for (const [line, value] of expected) expect([line, await metricOf(url, line)]).toEqual([line, value]);
  expect(await metricOf(url, "process_resident_memory_bytes")).toBeGreaterThan(0);
  const { headers } = await fetch(`${url}/metrics`);
  expect(headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
});

describe("keys", () => {
  test("are asked for at /v1 and /metrics", async () => {
    const { url } = await start({ apiKeys: ["one", "two"] });
    const headers = { authorization: "Bearer two" };
    for (const path of ["/v1/models", "/v1/models/served", "/metrics"]) {
      const refused = await fetch(url + path);
      expect(refused.headers.get("www-authenticate")).toBe('Bearer realm="textower"');
      expect(await errorOf(refused)).toMatchObject({ status: 401, code: "invalid_api_key" });
      expect((await fetch(url + path, { headers })).status).toBe(200);
    }
    for (const path of ["/healthz", "/readyz"]) expect((await fetch(url + path)).status).toBe(200);
    const wrong = [
      "",
      "two",
      "Bearer",
      "Bearer tw",
      "Bearer two two",
      "Bearer TWO",
      "Basic dHdv",
      "Bearer one,two",
    ];
    for (const authorization of wrong) {
      const refused = await post(url, { model: "served", input: "a" }, { headers: { authorization } });
      expect([authorization, refused.status]).toEqual([authorization, 401]);
    }
    const accepted = ["Bearer one", "bearer two", "Bearer  two"];
    for (const authorization of accepted) {
      const response = await post(url, { model: "served", input: "a" }, { headers: { authorization } });
      expect([authorization, response.status]).toEqual([authorization, 200]);
    }
  });

  test("that nobody can send are refused", async () => {
    for (const key of ["", "a b", "ä", "a\n"]) {
      await expect(createEmbeddingServer({ encoder, apiKeys: [key] })).rejects.toThrow(
        "expected visible ASCII",
      );
    }
  });
});

describe("origins", () => {
  const origin = "https://example.org";

  test("none unless asked for", async () => {
    const { url } = await start();
    const response = await post(url, { model: "served", input: "a" }, { headers: { origin } });
    expect([...response.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  test("those asked for, with a preflight that needs no key", async () => {
    const { url } = await start({ cors: [origin], apiKeys: ["key"] });
    const preflight = await fetch(`${url}/v1/embeddings`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
    expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization");
    const headers = { origin, authorization: "Bearer key" };
    const response = await post(url, { model: "served", input: "a" }, { headers });
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
    const other = await post(
      url,
      { model: "served", input: "a" },
      { headers: { ...headers, origin: "https://x.org" } },
    );
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("the end", () => {
  test("finishes what runs and waits, accepts no more", async () => {
    const gate = gated(encoder);
    const { url, close } = await start({ encoder: gate, maxBatches: 1 });
    const calls = captions.slice(0, 3).map(({ text }) => post(url, { model: "served", input: text }));
    await until(() => gate.batches.length === 1);
    await until(async () => (await metricOf(url, "textower_queue_requests")) === 2);
    const closed = close();
    await until(async () => {
      try {
        return (await fetch(`${url}/readyz`)).status === 503;
      } catch {
        return true; // or not even a connection
      }
    });
    gate.open();
    const answers = await Promise.all(calls);
    for (const [i, answer] of answers.entries()) {
      const { data } = (await answer.json()) as { data: { embedding: number[] }[] };
      expect(difference(data[0]!.embedding, captions[i]!.vector)).toBeLessThan(1e-5);
    }
    await closed;
    await close();
    await expect(post(url, { model: "served", input: "a" })).rejects.toThrow();
  });

  test("at its deadline, what waits is answered 503", async () => {
    const gate = gated(encoder);
    const { url, close } = await start({ encoder: gate, maxBatches: 1 });
    const call = post(url, { model: "served", input: "a red circle" });
    await until(() => gate.batches.length === 1);
    await close({ deadline: 20 });
    expect(await errorOf(await call)).toMatchObject({
      status: 503,
      type: "server_error",
      code: "shutting_down",
    });
    gate.open();
  });
});

test("mounts in a server of node:http", async () => {
  const { handler } = await createEmbeddingServer({ encoder, model: "served" }).then((server) => {
    servers.push(server);
    return server;
  });
  const outer = createServer((request, response) => {
    if (request.url === "/own") response.end("own");
    else handler(request, response);
  });
  await new Promise<void>((resolve) => outer.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(outer.address() as AddressInfo).port}`;
  expect(await (await fetch(`${url}/own`)).text()).toBe("own");
  const response = await post(url, { model: "served", input: texts[0] });
  const { data } = (await response.json()) as { data: { embedding: number[] }[] };
  expect(difference(data[0]!.embedding, captions[0]!.vector)).toBeLessThan(1e-5);
  outer.closeAllConnections();
  await new Promise((resolve) => outer.close(resolve));
});

test("listens on this machine only, on a port that is free", async () => {
  const server = await createEmbeddingServer({ encoder });
  servers.push(server);
  const { host, port, url } = await server.listen();
  expect({ host, url }).toEqual({ host: "127.0.0.1", url: `http://127.0.0.1:${port}` });
  const other = await createEmbeddingServer({ encoder });
  servers.push(other);
  await expect(other.listen({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  const models = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
  expect(models.data[0]!.id).not.toMatch(/^\/|\/.*\//); // two parts of its path at most
});
