/** Many clients at once, briefly; `benchmarks/server/load.mjs` does it for a minute. */
import { createTokenizer } from "@textower/tokenizer";
import OpenAI from "openai";
import { createWorkerTextEncoder } from "textower/worker";
import { expect, test } from "vitest";
import { createEmbeddingServer } from "../src/index.js";
import { captions, difference } from "./shapes.js";

const CLIENTS = 64;
const REQUESTS = 3;

test.each([
  ["a queue with room: every answer is right", 4096],
  ["a queue without: every answer is right or 429 with Retry-After", 40],
])("%s", async (_, maxQueuedPrompts) => {
  await using encoder = await createWorkerTextEncoder({ model: "shapes" });
  await using server = await createEmbeddingServer({
    encoder,
    tokenizer: createTokenizer(),
    model: "served",
    maxQueuedPrompts,
  });
  const { url } = await server.listen();
  const statuses = new Map<number, number>();
  const client = async (id: number): Promise<void> => {
    const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
    for (let i = 0; i < REQUESTS; i++) {
      const size = [1, 1, 4, 16, 40][(id + i) % 5]!; // mixed
      const some = Array.from({ length: size }, (_, j) => captions[(id + i + j) % captions.length]!);
      let status = 200;
      try {
        const { data } = await openai.embeddings.create({
          model: "served",
          input: some.map(({ text }) => text),
        });
        for (const { index, embedding } of data) {
          expect(difference(embedding, some[index]!.vector)).toBeLessThan(1e-5);
        }
        expect(data).toHaveLength(size);
      } catch (error) {
        if (!(error instanceof OpenAI.RateLimitError)) throw error;
        status = error.status;
        expect(Number(error.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      }
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, id) => client(id)));
  expect((statuses.get(200) ?? 0) + (statuses.get(429) ?? 0)).toBe(CLIENTS * REQUESTS);
  expect(statuses.get(200)).toBeGreaterThan(0);
  if (maxQueuedPrompts > 1000) expect(statuses.get(429)).toBeUndefined();
  else expect(statuses.get(429)).toBeGreaterThan(0);
  expect(server.encoder.depth).toEqual({ calls: 0, prompts: 0, tokens: 0, batches: 0 });
});
