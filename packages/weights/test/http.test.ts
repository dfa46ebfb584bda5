/** Real servers on the loopback interface, well-behaved and otherwise. */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { httpSource, openCheckpoint, openSafetensors } from "../src/index.js";
import { expectMicro, golden, rawFile } from "./golden.js";

const file = golden("micro.openai");
const options = { activation: "quick_gelu" } as const;
let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

interface Answer {
  readonly body: Uint8Array;
  readonly begin: number;
  readonly end: number;
  /** Requests before this one. */
  readonly count: number;
}

/** Serves a body by ranges; `answer` may answer otherwise, or return headers to be sent instead of the right ones. */
async function serve(
  answer: (
    response: ServerResponse,
    range: Answer,
    request: IncomingMessage,
  ) => Record<string, string> | void = () => {},
  body: Uint8Array = file,
): Promise<{ url: string; ranges: string[] }> {
  const ranges: string[] = [];
  server = createServer((request, response) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const begin = Number(match?.[1]);
    const end = Math.min(Number(match?.[2]) + 1, body.length);
    const changes = answer(response, { body, begin, end, count: ranges.length }, request);
    ranges.push(`${begin}..${end}`);
    if (response.writableEnded || response.headersSent) return;
    response.writeHead(206, { "Content-Range": `bytes ${begin}-${end - 1}/${body.length}`, ...changes });
    response.end(body.subarray(begin, end));
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/m.safetensors`, ranges };
}

const error = (code: string, status?: number) =>
  expect.objectContaining({ name: "HttpError", code, ...(status !== undefined && { status }) });

describe("a server that knows ranges", () => {
  it("gives a checkpoint, by what is read of it", async () => {
    const { url, ranges } = await serve();
    const checkpoint = await openCheckpoint(url, options);
    expect(ranges).toEqual(["0..131072"]);
    expect(checkpoint.name).toBe(url);
    await expectMicro(checkpoint);
    // The vision tower begins at 695,620 of 955,460.
    const ends = ranges.map((range) => Number(range.split("..")[1]));
    expect(Math.max(...ends)).toBe(695_620);
    await checkpoint.close();
    await expect(checkpoint.read("ln_final.bias")).rejects.toMatchObject({ code: "closed" });
  });

  it("is read ahead where the whole tower is wanted", async () => {
    const { url, ranges } = await serve();
    const checkpoint = await openCheckpoint(url, { ...options, readAhead: true });
    await expectMicro(checkpoint);
    expect(ranges.length).toBeLessThan(8); // 30 tensors
    await checkpoint.close();
  });

  it("is sent the given headers, and no wish for compression", async () => {
    const seen: unknown[] = [];
    const { url } = await serve((_, __, { headers }) => {
      seen.push([headers.authorization, headers["accept-encoding"]]);
    });
    const checkpoint = await openCheckpoint(new URL(url), {
      ...options,
      headers: { Authorization: "Bearer x" },
    });
    await checkpoint.read("transformer.resblocks.1.mlp.c_fc.bias");
    expect(seen).toEqual([
      ["Bearer x", "identity"],
      ["Bearer x", "identity"],
    ]);
  });

  it("is reached by the given fetch", async () => {
    const { url } = await serve();
    const asked: string[] = [];
    const source = await httpSource("https://example.org/m.safetensors", {
      fetch: (input, init) => {
        asked.push(String(input));
        return fetch(url, init);
      },
    });
    const into = new Uint8Array(9);
    await source.read(131_068, into); // half known, half not
    expect(into).toEqual(file.slice(131_068, 131_077));
    expect(asked).toEqual(["https://example.org/m.safetensors", "https://example.org/m.safetensors"]);
  });

  it("may serve small files and empty ones", async () => {
    const { url } = await serve(undefined, rawFile("{}"));
    expect((await openSafetensors(await httpSource(url))).entries.size).toBe(0);
    server!.close();
    const empty = await serve((response) => {
      response.writeHead(416, { "Content-Range": "bytes */0" }).end();
    });
    await expect(openCheckpoint(empty.url, options)).rejects.toMatchObject({ code: "too-short" });
  });

  it("is stopped by a signal", async () => {
    const { url } = await serve((response, { count }) => {
      if (count > 0) response.flushHeaders();
    });
    const reason = new Error("enough");
    await expect(openCheckpoint(url, { ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const source = await httpSource(url);
    const controller = new AbortController();
    const promise = source.read(500_000, new Uint8Array(10), controller.signal);
    controller.abort(reason);
    await expect(promise).rejects.toBe(reason);
  });
});

describe("config files at the same address", () => {
  const config = { embed_dim: 32, text_cfg: { width: 64, heads: 2, layers: 2, vocab_size: 1024 } };
  const serveConfig = (status: number, body: unknown) =>
    serve((response, _, request) => {
      if (request.url === "/models/open_clip_config.json")
        response.writeHead(status).end(JSON.stringify(body));
    });

  it("are fetched only if asked for", async () => {
    const { url, ranges } = await serveConfig(200, { model_cfg: config });
    await expect(openCheckpoint(url)).rejects.toMatchObject({ name: "MissingActivationError" });
    expect(ranges).toHaveLength(1);
    const { descriptor, origins } = await openCheckpoint(url, { config: "sibling" });
    expect(descriptor).toMatchObject({ activation: "gelu", heads: 2 });
    expect(origins).toMatchObject({ activation: "open_clip_config.json", width: "tensors" });
  });

  it("may be missing, but not forbidden", async () => {
    const missing = await serveConfig(404, {});
    await expect(openCheckpoint(missing.url, { config: "sibling" })).rejects.toThrow(/activation/);
    server!.close();
    const forbidden = await serveConfig(403, {});
    await expect(openCheckpoint(forbidden.url, { config: "sibling" })).rejects.toEqual(
      error("http-status", 403),
    );
  });
});

describe("a server that is wrong", () => {
  /** How the request with this number is answered; the first opens the file, the second reads from it. */
  const cases: [string, string, number | undefined, Parameters<typeof serve>[0]][] = [
    ["knows no such file", "http-status", 404, (response) => void response.writeHead(404).end("not found")],
    ["fails", "http-status", 500, (response) => void response.writeHead(500).end()],
    ["ignores Range", "range-ignored", 200, (response, { body }) => void response.writeHead(200).end(body)],
    [
      "says no range",
      "bad-content-range",
      206,
      (response, { body }) => void response.writeHead(206).end(body),
    ],
    ["says nonsense", "bad-content-range", 206, () => ({ "Content-Range": "bytes 0-1/*" })],
    [
      "says another range",
      "bad-content-range",
      206,
      (_, { begin, end }) => ({
        "Content-Range": `bytes ${begin + 1}-${end - 1}/${file.length}`,
      }),
    ],
    [
      "sends less than it says",
      "short-body",
      206,
      (response, { body, begin, end }) => {
        response.writeHead(206, { "Content-Range": `bytes ${begin}-${end - 1}/${body.length}` });
        response.end(body.subarray(begin, end - 1));
      },
    ],
    [
      "sends more than it says",
      "long-body",
      206,
      (response, { body, begin, end }) => {
        response.writeHead(206, { "Content-Range": `bytes ${begin}-${end - 1}/${body.length}` });
        response.end(body.subarray(begin, end + 1));
      },
    ],
    [
      "cuts the connection within the body",
      "network",
      206,
      (response, { body, begin, end }) => {
        response.writeHead(206, {
          "Content-Range": `bytes ${begin}-${end - 1}/${body.length}`,
          "Content-Length": String(end - begin),
        });
        response.write(body.subarray(begin, end - 5), () => response.destroy());
      },
    ],
    ["cuts the connection at once", "network", undefined, (response) => void response.destroy()],
  ];

  it.each(cases)("%s: %s when opening", async (_, code, status, answer) => {
    const { url } = await serve(answer);
    await expect(openCheckpoint(url, options)).rejects.toEqual(error(code, status));
  });

  it.each(cases)("%s: %s when reading", async (_, code, status, answer) => {
    const { url } = await serve((response, range, request) =>
      range.count === 0 ? undefined : answer!(response, range, request),
    );
    const checkpoint = await openCheckpoint(url, options);
    await expect(checkpoint.read("transformer.resblocks.1.ln_1.bias")).rejects.toEqual(error(code, status));
  });

  it.each([
    ["size", (count: number) => ({ "Content-Range": `bytes 0-9/${file.length + count}` })],
    ["tag", (count: number) => ({ ETag: `"${count}"` })],
  ])("changes the file's %s between requests", async (_, headers) => {
    const { url } = await serve((___, { count, begin, end }) => ({
      "Content-Range": `bytes ${begin}-${end - 1}/${file.length}`,
      ...(count === 0 ? { ETag: '"0"' } : headers(count)),
    }));
    const checkpoint = await openCheckpoint(url, options);
    await expect(checkpoint.read("transformer.resblocks.1.ln_1.bias")).rejects.toEqual(error("changed", 206));
  });

  it("is not there", async () => {
    const { url } = await serve();
    await new Promise((resolve) => server!.close(resolve));
    await expect(openCheckpoint(url, options)).rejects.toEqual(error("network"));
  });
});

it("keeps secrets of an address out of messages", async () => {
  const { url } = await serve((response) => void response.writeHead(403).end());
  const secret = url.replace("http://", "http://me:password@") + "?signature=secret#secret";
  const asked = httpSource(secret, { fetch: (_, init) => fetch(url, init) });
  await expect(asked).rejects.toThrow(
    /^http:\/\/127\.0\.0\.1:\d+\/models\/m\.safetensors: expected 206, got 403/,
  );
});
