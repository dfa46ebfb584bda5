/** The official client of OpenAI against a server on loopback, with an encoder in a worker. */
import { readFileSync } from "node:fs";
import { createTokenizer } from "@textower/tokenizer";
import OpenAI from "openai";
import { createWorkerTextEncoder } from "textower/worker";
import type { WorkerTextEncoder } from "textower/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEmbeddingServer } from "../src/index.js";
import type { EmbeddingServer } from "../src/index.js";

/** What the model's training framework computed; not normalised. */
const golden = JSON.parse(
  readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8"),
) as { captions: { text: string; ids: number[]; embedding: number[] }[] };
const texts = golden.captions.map(({ text }) => text);
const tokens = golden.captions.map(({ ids }) => ids);
const expected = golden.captions.map(({ embedding }) => {
  const length = Math.hypot(...embedding);
  return embedding.map((value) => value / length);
});
const allTokens = tokens.reduce((sum, ids) => sum + ids.length, 0);

let encoder: WorkerTextEncoder;
let server: EmbeddingServer;
let client: OpenAI;
beforeAll(async () => {
  encoder = await createWorkerTextEncoder({ model: "shapes" });
  server = await createEmbeddingServer({
    encoder,
    tokenizer: createTokenizer(),
    model: "org/shapes",
    aliases: ["text-embedding-3-small"],
    apiKeys: ["first-key", "second-key"],
  });
  const { url } = await server.listen();
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "second-key", maxRetries: 0 });
});
afterAll(async () => {
  await server.close();
  await encoder.dispose();
});

test.each(["base64", "float", undefined] as const)("golden vectors, encoding_format %s", async (format) => {
  const { object, data, model, usage } = await client.embeddings.create({
    model: "org/shapes",
    input: texts,
    ...(format === undefined ? {} : { encoding_format: format }),
  });
  expect({ object, model }).toEqual({ object: "list", model: "org/shapes" });
  expect(data.map(({ index }) => index)).toEqual(texts.map((_, i) => i));
  data.forEach(({ object, embedding }, i) => {
    expect(object).toBe("embedding");
    const vector = typeof embedding === "string" ? fromBase64(embedding) : embedding;
    expect(vector).toHaveLength(expected[i]!.length);
    vector.forEach((value, at) => expect(value).toBeCloseTo(expected[i]![at]!, 5));
  });
  expect(usage).toEqual({ prompt_tokens: allTokens, total_tokens: allTokens });
});

test("floats give the very float32 numbers that base64 has", async () => {
  const [floats, base64] = await Promise.all(
    (["float", "base64"] as const).map((encoding_format) =>
      client.embeddings.create({ model: "org/shapes", input: texts[0]!, encoding_format }),
    ),
  );
  const vector = floats!.data[0]!.embedding;
  expect(fromBase64(base64!.data[0]!.embedding as unknown as string)).toEqual(vector.map(Math.fround));
});

test("one text, tokens of one text, tokens of several", async () => {
  const inputs = [texts[0]!, tokens[0]!, [tokens[0]!]] as const;
  for (const input of inputs) {
    const { data, usage } = await client.embeddings.create({ model: "org/shapes", input: input as string });
    expect(data).toHaveLength(1);
    data[0]!.embedding.forEach((value, at) => expect(value).toBeCloseTo(expected[0]![at]!, 5));
    expect(usage.prompt_tokens).toBe(tokens[0]!.length);
  }
  const { data } = await client.embeddings.create({ model: "org/shapes", input: tokens });
  data.forEach(({ embedding }, i) =>
    embedding.forEach((value, at) => expect(value).toBeCloseTo(expected[i]![at]!, 5)),
  );
});

test("2048 texts in one answer, in order", async () => {
  const input = Array.from({ length: 2048 }, (_, i) => texts[i % texts.length]!);
  const { data } = await client.embeddings.create({ model: "org/shapes", input });
  expect(data).toHaveLength(2048);
  for (const [i, { index, embedding }] of data.entries()) {
    expect(index).toBe(i);
    expect(embedding[0]).toBeCloseTo(expected[i % texts.length]![0]!, 5);
  }
});

test("dimensions: the model's own, or none", async () => {
  const { data } = await client.embeddings.create({ model: "org/shapes", input: "a", dimensions: 128 });
  expect(data[0]!.embedding).toHaveLength(128);
  const refused = client.embeddings.create({ model: "org/shapes", input: "a", dimensions: 64 });
  await expect(refused).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  await expect(refused).rejects.toMatchObject({ status: 400, param: "dimensions", code: "invalid_value" });
});

test("models: listed, found by name, not found", async () => {
  const listed = await client.models.list();
  expect(listed.data).toMatchObject([{ id: "org/shapes", object: "model", owned_by: "textower" }]);
  expect(await client.models.retrieve("org/shapes")).toEqual(listed.data[0]);
  expect((await client.models.retrieve("text-embedding-3-small")).id).toBe("org/shapes");
  await expect(client.models.retrieve("gpt-4")).rejects.toMatchObject({
    status: 404,
    code: "model_not_found",
  });
  const other = client.embeddings.create({ model: "text-embedding-3-large", input: "a" });
  await expect(other).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  await expect(other).rejects.toMatchObject({ code: "model_not_found", param: "model" });
});

test("an alias is answered by the model's own name, and user is ignored", async () => {
  const { model } = await client.embeddings.create({
    model: "text-embedding-3-small",
    input: "a red circle",
    user: "somebody",
  });
  expect(model).toBe("org/shapes");
});

test("another key is refused", async () => {
  const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: "third-key", maxRetries: 0 });
  const refused = stranger.embeddings.create({ model: "org/shapes", input: "a" });
  await expect(refused).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  await expect(refused).rejects.toMatchObject({ status: 401, code: "invalid_api_key" });
});

test("a text that is too long fails its own request, and says which it is", async () => {
  const long = "dog ".repeat(90);
  const [bad, good] = await Promise.allSettled([
    client.embeddings.create({ model: "org/shapes", input: ["a", "b", long] }),
    client.embeddings.create({ model: "org/shapes", input: texts }),
  ]);
  expect(bad).toMatchObject({
    status: "rejected",
    reason: { status: 400, param: "input", code: "invalid_input" },
  });
  expect(String((bad as PromiseRejectedResult).reason)).toContain(
    "input[2]: expected at most 77 tokens, start and end of text included, got 92",
  );
  expect(good.status).toBe("fulfilled");
});

test("tokens of another tokenizer are refused", async () => {
  const refused = client.embeddings.create({
    model: "org/shapes",
    input: [
      [49406, 320, 49407],
      [1169, 2266],
    ],
  });
  await expect(refused).rejects.toThrow(/input\[1\]: expected tokens from start of text \(49406\)/);
});

function fromBase64(text: string): number[] {
  const bytes = Buffer.from(text, "base64");
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}
