/** The model in `embed` and `embedMany` of the AI SDK itself, on the shapes model. */
import { readFileSync } from "node:fs";
import { reference } from "@textower/backend-reference";
import { cosineSimilarity, embed, embedMany } from "ai";
import { createTextEncoder } from "textower";
import { createWorkerTextEncoder } from "textower/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { embeddingModel } from "../src/index.js";

/** What the model's training framework computed; not normalised. */
const golden = JSON.parse(
  readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8"),
) as { captions: { text: string; ids: number[]; embedding: number[] }[] };
const texts = golden.captions.map(({ text }) => text);
const expected = golden.captions.map(({ embedding }) => {
  const length = Math.hypot(...embedding);
  return embedding.map((value) => value / length);
});

let encoder: Awaited<ReturnType<typeof createTextEncoder>>;
beforeAll(async () => {
  encoder = await createTextEncoder({ model: "shapes", backend: reference() });
});
afterAll(() => encoder.dispose());

test("embedMany gives the golden numbers in order, and counts tokens", async () => {
  const { embeddings, usage, warnings } = await embedMany({ model: embeddingModel(encoder), values: texts });
  embeddings.forEach((vector, i) => {
    expect(Array.isArray(vector)).toBe(true);
    vector.forEach((value, at) => expect(value).toBeCloseTo(expected[i]![at]!, 5));
  });
  expect(embeddings).toHaveLength(texts.length);
  expect(usage.tokens).toBe(golden.captions.reduce((sum, { ids }) => sum + ids.length, 0));
  expect(warnings).toEqual([]);
});

test("embed, and cosineSimilarity of what it gives", async () => {
  const model = embeddingModel(encoder);
  const values = ["a red circle", "a red disc", "a blue star"];
  const { embeddings } = await embedMany({ model, values });
  const { embedding, usage } = await embed({ model, value: "a red circle" });
  expect(usage.tokens).toBe(5);
  const [same, near, far] = embeddings.map((each) => cosineSimilarity(embedding, each));
  expect(same).toBeCloseTo(1, 5);
  expect(near).toBeLessThan(same!);
  expect(far).toBeLessThan(near!);
});

test("says what it is", () => {
  expect(embeddingModel(encoder)).toMatchObject({
    specificationVersion: "v3",
    provider: "textower",
    modelId: encoder.info.checkpoint,
    maxEmbeddingsPerCall: Infinity,
    supportsParallelCalls: true,
  });
});

test("an abort signal ends a call with its reason", async () => {
  const model = embeddingModel(encoder);
  const controller = new AbortController();
  const values = Array.from({ length: 400 }, (_, i) => `${i} rings and ${i * 7} hearts`);
  const call = embedMany({ model, values, abortSignal: controller.signal });
  controller.abort(new Error("no longer wanted"));
  await expect(call).rejects.toThrow("no longer wanted");
});

test("texts that are too long are an error unless they may be cut", async () => {
  const value = "dog ".repeat(90);
  await expect(embed({ model: embeddingModel(encoder), value })).rejects.toMatchObject({
    name: "TextTooLongError",
  });
  const { usage } = await embed({ model: embeddingModel(encoder, { longText: "truncate" }), value });
  expect(usage.tokens).toBe(77);
});

test("an encoder in a worker will do", async () => {
  await using encoder = await createWorkerTextEncoder({ model: "shapes" });
  const { embedding } = await embed({ model: embeddingModel(encoder), value: texts[0]! });
  embedding.forEach((value, at) => expect(value).toBeCloseTo(expected[0]![at]!, 5));
});
