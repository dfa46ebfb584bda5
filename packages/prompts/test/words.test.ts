/** The nearest words, on the shapes model and its pictures; a head of words in a file. */
import { readFile } from "node:fs/promises";
import { reference } from "@textower/backend-reference";
import { wasm } from "@textower/backend-wasm";
import { shapesModel } from "@textower/model-shapes";
import type { GalleryEntry } from "@textower/model-shapes";
import { createTokenizer } from "@textower/tokenizer";
import { bufferSource, openSafetensors, readTensor } from "@textower/weights";
import { readZeroShotHead, writeZeroShotHead } from "@textower/zero-shot";
import type { ZeroShotHead } from "@textower/zero-shot";
import { createTextEncoder, similarity } from "textower";
import { beforeAll, expect, test } from "vitest";
import { buildWordHead, nearestWords, vocabularyWords } from "../src/index.js";

const tokenizer = createTokenizer();
const words = vocabularyWords(tokenizer);
let head: ZeroShotHead;
const progress: number[] = [];
beforeAll(async () => {
  await using encoder = await createTextEncoder({ model: "shapes", backend: wasm({ threads: 1 }) });
  const onProgress = ({ done }: { done: number }): void => void progress.push(done);
  head = await buildWordHead(encoder, { words: words.slice(0, 5000), template: "a {}", onProgress });
});

test("words of the vocabulary are one token each, and words", () => {
  expect(words).toContain("circle");
  expect(words).toContain("café"); // not only ASCII
  for (const word of ["magnificently", "</w>", "!", "a", "42"]) expect(words).not.toContain(word);
  expect(new Set(words).size).toBe(words.length);
  for (const word of words.slice(0, 300)) expect(tokenizer.encode(word).ids).toHaveLength(3);
  expect(words.slice(0, 500)).toContain("the"); // frequent ones first
});

test("the nearest words of an embedding are those that a comparison with all of them finds", async () => {
  await using encoder = await createTextEncoder({ model: "shapes", backend: reference() });
  const some = words.filter((_, i) => i % 97 === 3).slice(0, 60);
  const small = await buildWordHead(encoder, { words: some });
  const query = (await encoder.encode("a large green ring")).embeddings[0]!;
  const { embeddings } = await encoder.encode(some);
  const [cosines] = similarity([query], embeddings) as [Float32Array];
  const order = some.map((_, i) => i).sort((a, b) => cosines[b]! - cosines[a]!);
  const near = nearestWords(
    small,
    query.map((value) => 5 * value),
    { topK: 7 },
  );
  expect(near.map(({ word }) => word)).toEqual(order.slice(0, 7).map((i) => some[i]));
  near.forEach(({ similarity: cosine }, i) => expect(cosine).toBeCloseTo(cosines[order[i]!]!, 5));
});

test("a picture is near to the words for what it shows", async () => {
  const gallery = JSON.parse(await readFile(shapesModel.gallery, "utf8")) as GalleryEntry[];
  const file = await openSafetensors(bufferSource(await readFile(shapesModel.galleryEmbeddings)));
  const { data } = await readTensor(file, "image_embeddings");
  const stars = gallery.flatMap(({ shape }, i) => (shape === "star" ? [i] : []));
  const said = stars.map((i) =>
    nearestWords(head, (data as Float32Array).subarray(i * 128, (i + 1) * 128), { topK: 10 }).map(
      ({ word }) => word,
    ),
  );
  const right = said.filter((some) => some.includes("star") || some.includes("stars"));
  expect(stars.length).toBeGreaterThan(3);
  expect(right.length / stars.length).toBeGreaterThan(0.5);
  expect(nearestWords(head, (data as Float32Array).subarray(0, 128))).toHaveLength(10);
});

test("progress, a file, and embeddings of something else", async () => {
  expect(progress.at(-1)).toBe(5000);
  const again = await readZeroShotHead(writeZeroShotHead(head));
  const query = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i));
  expect(nearestWords(again, query)).toEqual(nearestWords(head, query));
  expect(() => nearestWords(head, [1, 2])).toThrow(expect.objectContaining({ code: "width" }));
  expect(() => nearestWords(head, query, { checkpoint: "another" })).toThrow(
    expect.objectContaining({ code: "checkpoint" }),
  );
});

test("no words, or a template without a place, are refused", async () => {
  await using encoder = await createTextEncoder({ model: "shapes", backend: wasm({ threads: 1 }) });
  await expect(buildWordHead(encoder, { words: [] })).rejects.toBeInstanceOf(TypeError);
  await expect(buildWordHead(encoder, { words: ["a"], template: "a" })).rejects.toBeInstanceOf(TypeError);
});
