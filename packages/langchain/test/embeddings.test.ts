/** The embeddings in LangChain's own store, on the shapes model. */
import { readFileSync } from "node:fs";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import type { Document } from "@langchain/core/documents";
import { reference } from "@textower/backend-reference";
import { createTextEncoder } from "textower";
import { createWorkerTextEncoder } from "textower/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TextowerEmbeddings } from "../src/index.js";

/** What the model's training framework computed; not normalised. */
const golden = JSON.parse(
  readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8"),
) as { captions: { text: string; embedding: number[] }[] };
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

test("documents and queries are plain arrays of the golden numbers, in order", async () => {
  const embeddings = new TextowerEmbeddings({ encoder });
  const vectors = await embeddings.embedDocuments(texts);
  vectors.forEach((vector, i) => {
    expect(Array.isArray(vector)).toBe(true);
    vector.forEach((value, at) => expect(value).toBeCloseTo(expected[i]![at]!, 5));
  });
  expect(await embeddings.embedQuery(texts[1]!)).toEqual(vectors[1]);
  expect(await embeddings.embedDocuments([])).toEqual([]);
});

test("a retriever finds captions, with their metadata and a filter", async () => {
  const embeddings = new TextowerEmbeddings({ encoder });
  const captions = ["a red circle", "a large blue star", "two green squares", "a small blue star"];
  const metadata = captions.map((_, id) => ({ id }));
  const store = await MemoryVectorStore.fromTexts(captions, metadata, embeddings);
  const [first, second] = await store.asRetriever(2).invoke("a small blue star");
  expect(first!.metadata).toEqual({ id: 3 });
  expect(second!.pageContent).toBe("a large blue star");
  const [[found, score]] = (await store.similaritySearchWithScore("a small blue star", 1)) as [
    [Document, number],
  ];
  expect(found.pageContent).toBe("a small blue star");
  expect(score).toBeCloseTo(1, 5);
  const filter = ({ metadata }: Document): boolean => metadata["id"] !== 3;
  const [other] = await store.similaritySearch("a small blue star", 1, filter);
  expect(other!.pageContent).toBe("a large blue star");
});

test("texts that are too long are an error unless they may be cut", async () => {
  const long = "dog ".repeat(90);
  const strict = new TextowerEmbeddings({ encoder });
  await expect(strict.embedDocuments(["fine", long])).rejects.toMatchObject({ name: "TextTooLongError" });
  const cutting = new TextowerEmbeddings({ encoder, longText: "truncate" });
  expect(await cutting.embedQuery(long)).toHaveLength(128);
});

test("an encoder in a worker will do", async () => {
  await using encoder = await createWorkerTextEncoder({ model: "shapes" });
  const vector = await new TextowerEmbeddings({ encoder }).embedQuery(texts[0]!);
  vector.forEach((value, at) => expect(value).toBeCloseTo(expected[0]![at]!, 5));
});
