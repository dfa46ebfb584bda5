/** What is wrong below HTTP: clients that are slow to write or to read, connections closed by half, bytes that are no request. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEmbeddingServer } from "../src/index.js";
import type { EmbeddingServer } from "../src/index.js";
import { post, requestText, Wire } from "./requests.js";
import { gated, shapesEncoder, texts, until } from "./shapes.js";

let encoder: Awaited<ReturnType<typeof shapesEncoder>>;
let server: EmbeddingServer;
let url: string;
let port: number;
beforeAll(async () => {
  encoder = await shapesEncoder();
  server = await createEmbeddingServer({
    encoder,
    model: "served",
    headersTimeout: 1000,
    requestTimeout: 2000,
  });
  ({ url, port } = await server.listen());
});
afterAll(async () => {
  await server.close({ deadline: 0 });
  await encoder.dispose();
});

const good = requestText(JSON.stringify({ model: "served", input: texts[0] }));

async function stillAnswers(): Promise<void> {
  expect((await post(url, { model: "served", input: texts })).status).toBe(200);
}

test.each([
  ["nothing at all", "", ""],
  ["headers, a byte at a time", "POST /v1/embeddings HTTP/1.1\r\nX-Slow: ", "a"],
  ["a body, a byte at a time", requestText("", { "Content-Length": "100000" }), " "],
  [
    "chunks without an end",
    good.replace(/Content-Length: \d+/, "Transfer-Encoding: chunked").replace(/\{.*/, ""),
    "1\r\n \r\n",
  ],
])("twenty clients that send %s are answered 408", async (_, begin, drop) => {
  const wires = Array.from({ length: 20 }, () => new Wire(port));
  for (const { socket } of wires) socket.write(begin);
  const drip = setInterval(() => {
    for (const { socket } of wires) if (drop !== "" && socket.writable) socket.write(drop);
  }, 50);
  await stillAnswers();
  await Promise.all(wires.map(({ closed }) => closed));
  clearInterval(drip);
  for (const wire of wires) {
    expect(wire.status).toBe(408);
    expect(wire.text).toMatch(/^Connection: close\r$/m);
    expect(wire.body.error).toMatchObject({ type: "invalid_request_error", code: "request_timeout" });
    wire.socket.destroy();
  }
  await stillAnswers();
});

test("a client that does not read its answers loses them", async () => {
  await using server = await createEmbeddingServer({
    encoder,
    model: "served",
    responseTimeout: 500,
    maxQueuedPrompts: 24_000,
  });
  const { url, port } = await server.listen();
  const input = Array.from({ length: 1000 }, () => "a");
  const wire = new Wire(port);
  wire.socket.pause();
  // Many, of 1.3 MB each: more than the sockets' buffers take.
  wire.socket.write(requestText(JSON.stringify({ model: "served", input })).repeat(24));
  await until(async () => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return metrics.includes('textower_requests_total{route="/v1/embeddings",status="499"}');
  });
  wire.socket.resume();
  await wire.closed;
  expect(wire.text.match(/HTTP\/1\.1 200/g)?.length ?? 0).toBeLessThan(24);
  wire.socket.destroy();
  expect((await post(url, { model: "served", input: texts })).status).toBe(200);
});

test.each([
  ["a body", good.slice(0, -5)],
  ["headers", good.slice(0, 60)],
  [
    "a chunk",
    `${good.replace(/Content-Length: \d+/, "Transfer-Encoding: chunked").replace(/\{.*/, "")}5\r\n{"`,
  ],
])("a connection closed by half in the middle of %s is answered 400", async (_, begin) => {
  const wire = new Wire(port);
  wire.socket.end(begin);
  await wire.closed;
  expect(wire.status).toBe(400);
  expect(wire.body.error.code).toBe("bad_request");
  wire.socket.destroy();
  await stillAnswers();
});

test("a client that closes its half while it waits has gone away", async () => {
  const gate = gated(encoder);
  await using server = await createEmbeddingServer({ encoder: gate, model: "served" });
  const { port } = await server.listen();
  const wire = new Wire(port);
  wire.socket.end(good);
  await until(() => gate.batches.length === 1);
  await until(() => gate.signals[0]!.aborted);
  await wire.closed;
  expect(wire.text).toBe("");
  wire.socket.destroy();
  gate.open();
});

test.each([
  ["no HTTP", "hello\r\n\r\n", 400],
  ["another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["a greeting of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  ["an unknown method", good.replace("POST", "BREW"), 400],
  ["a length that is none", good.replace(/Content-Length: \d+/, "Content-Length: many"), 400],
  ["two lengths", good.replace("Host", "Content-Length: 7\r\nHost"), 400],
  ["length and chunks", good.replace("Host", "Transfer-Encoding: chunked\r\nHost"), 400],
  ["a chunk that is none", good.replace(/Content-Length: \d+/, "Transfer-Encoding: chunked"), 400],
  ["a header without a name", good.replace("Host", ": x\r\nHost"), 400],
  ["a zero byte in a header", good.replace("localhost", "local\0host"), 400],
  ["headers of 100 kB", good.replace("Host", `X-Large: ${"x".repeat(100_000)}\r\nHost`), 431],
])("%s: %#", async (_, bytes, status) => {
  const wire = new Wire(port);
  wire.socket.write(bytes, "latin1");
  await wire.closed;
  expect(wire.status).toBe(status);
  expect(wire.body.error.type).toBe("invalid_request_error");
  wire.socket.destroy();
  await stillAnswers();
});

test("a request without a host is answered 400", async () => {
  const wire = new Wire(port);
  wire.socket.write(good.replace(/Host: .*\r\n/, ""));
  await wire.closed;
  expect(wire.status).toBe(400); // by Node itself, without a body
  wire.socket.destroy();
  await stillAnswers();
});

test("requests one after another on a connection, sent at once, are answered in order", async () => {
  const wire = new Wire(port);
  const inputs = texts.slice(0, 12).map((text, i) => Array.from({ length: i + 1 }, () => text)); // ragged
  wire.socket.write(inputs.map((input) => requestText(JSON.stringify({ model: "served", input }))).join(""));
  const counts = (): number[] =>
    wire.text
      .split("HTTP/1.1 200 OK")
      .slice(1)
      .map((answer) => answer.match(/"index":/g)?.length ?? 0);
  await until(() => counts().at(-1) === inputs.length);
  expect(counts()).toEqual(inputs.map(({ length }) => length));
  wire.socket.destroy();
});

test("more connections than may be are closed; those that are stay", async () => {
  await using server = await createEmbeddingServer({ encoder, model: "served", maxConnections: 2 });
  const { port } = await server.listen();
  const [first, second] = [new Wire(port), new Wire(port)];
  first.socket.write(good);
  second.socket.write(good);
  await until(() => first.status === 200 && second.status === 200);
  const third = new Wire(port);
  third.socket.write(good);
  await third.closed;
  expect(third.text).toBe("");
  first.socket.write(good);
  await until(() => first.text.match(/HTTP\/1\.1 200/g)?.length === 2);
  for (const { socket } of [first, second, third]) socket.destroy();
  await sleep(0);
});
