/** Two hundred kinds of bad requests: each gets its status and an error that clients can read, and nothing is kept. */
import { request } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEmbeddingServer } from "../src/index.js";
import type { EmbeddingServer } from "../src/index.js";
import { BODY_LIMIT, malformedRequests } from "./malformed-requests.mjs";
import type { MalformedRequest } from "./malformed-requests.mjs";
import { post } from "./requests.js";
import type { ErrorAnswer } from "./requests.js";
import { shapesEncoder, texts } from "./shapes.js";

const cases = malformedRequests();
let encoder: Awaited<ReturnType<typeof shapesEncoder>>;
let server: EmbeddingServer;
let url: string;
beforeAll(async () => {
  encoder = await shapesEncoder();
  server = await createEmbeddingServer({ encoder, model: "served", bodyLimit: BODY_LIMIT });
  ({ url } = await server.listen());
});
afterAll(async () => {
  await server.close({ deadline: 0 });
  await encoder.dispose();
});

test("there are two hundred kinds", () => {
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  expect(cases.length).toBeGreaterThanOrEqual(200);
});

test("each gets its status, and the server goes on", async () => {
  for (const [i, each] of cases.entries()) {
    const { status, body } = await send(each);
    expect([each.name, status]).toEqual([each.name, each.status]);
    const { error } = JSON.parse(body) as ErrorAnswer;
    expect(Object.keys(error)).toEqual(["message", "type", "param", "code"]);
    expect(error.type).toBe("invalid_request_error");
    expect(error.message.length).toBeLessThan(400);
    if (i % 20 === 0) expect((await post(url, { model: "served", input: texts[0] })).status).toBe(200);
  }
  expect(server.encoder.depth).toEqual({ calls: 0, prompts: 0, tokens: 0, batches: 0 });
});

test("memory stays", async () => {
  const round = (): Promise<unknown> => Promise.all(cases.map(send));
  await round();
  const before = heap();
  await round();
  await round();
  expect(heap() - before).toBeLessThan(8e6); // the bodies of one round have 3 MB
});

/** Not by `fetch`, which adds a content type of its own. */
function send({ contentType, headers, body }: MalformedRequest): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const type = contentType === undefined ? {} : { "content-type": contentType };
    const call = request(
      `${url}/v1/embeddings`,
      { method: "POST", headers: { ...type, ...headers, "content-length": body.length } },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode!, body: text }));
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

/** Bytes in use, after a collection. */
function heap(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
