/** The exact engine: the cases of all engines, on several backends, in one chunk and in many. */
import { reference } from "@textower/backend-reference";
import { wasm } from "@textower/backend-wasm";
import { BackendError } from "@textower/graph";
import { describe, expect, test } from "vitest";
import { exactEngine, openEmbeddingIndex } from "../src/index.js";
import { TopK } from "../src/exact/top-k.js";
import { engineCases } from "./engine-cases.js";
import { CHECKPOINT, DIMENSION, entriesOf, expectNearest, queriesOf, random } from "./world.js";

const backend = wasm({ threads: 1 });
engineCases("exact, one chunk, never compiled", { fresh: () => exactEngine({ backend }) });
engineCases("exact, wasm, chunks of 16 rows", { fresh: () => exactEngine({ backend, chunkRows: 16 }) });
engineCases("exact, reference, chunks of 50 rows", {
  fresh: () => exactEngine({ backend: reference(), chunkRows: 50 }),
});
// Four times topK is enough to find the nearest by int8 here: vectors are random, so that few are nearly equal.
engineCases("exact, int8 with float32 after it", {
  fresh: () => exactEngine({ backend, precision: "int8", chunkRows: 40 }),
  recall: 0.85,
});

describe("a chunk that grows", () => {
  test("is compiled when it is large, and again as more comes", async () => {
    const index = await openEmbeddingIndex({
      dimension: DIMENSION,
      checkpoint: CHECKPOINT,
      engine: exactEngine({ backend }),
    });
    const entries = entriesOf(9500);
    const queries = queriesOf(5);
    for (const [from, to] of [
      [0, 4096],
      [4096, 4097],
      [4097, 5000],
      [5000, 9500],
    ] as const) {
      await index.add(entries.slice(from, to));
      const hits = await index.search(queries, { topK: 6 });
      hits.forEach((some, i) => expectNearest(some, queries[i]!, entries.slice(0, to), 6));
    }
    // More than half: what is left is packed anew.
    await index.remove(entries.slice(0, 5000).map(({ id }) => id));
    const hits = await index.search(queries, { topK: 6 });
    hits.forEach((some, i) => expectNearest(some, queries[i]!, entries.slice(5000), 6));
    await index.close();
  });
});

test("a backend that fails once leaves the index whole", async () => {
  let failing = false;
  const engine = exactEngine({
    chunkRows: 32,
    backend: {
      ...backend,
      compile: (...parameters) =>
        failing
          ? Promise.reject(new BackendError("wasm: expected memory, got none"))
          : backend.compile(...parameters),
    },
  });
  const index = await openEmbeddingIndex({ dimension: DIMENSION, checkpoint: CHECKPOINT, engine });
  const entries = entriesOf(100);
  await index.add(entries.slice(0, 40));
  failing = true;
  await expect(index.add(entries.slice(40))).rejects.toThrow(BackendError);
  const queries = queriesOf(2);
  await expect(index.search(queries)).rejects.toThrow(BackendError);
  failing = false;
  await index.add(entries.slice(40)); // again, from the start
  const hits = await index.search(queries, { topK: 9 });
  hits.forEach((some, i) => expectNearest(some, queries[i]!, entries, 9));
  expect(await index.count()).toBe(100);
  await index.close();
});

test("TopK holds the k largest, the earliest of equal ones", () => {
  const next = random(3);
  for (const k of [1, 2, 7, 64, 300]) {
    const scores = Array.from({ length: 200 }, () => Math.floor(next() * 40) / 64);
    const top = new TopK(k);
    scores.forEach((score, slot) => {
      if (score > top.threshold) top.push(score, slot);
    });
    const sorted = scores
      .map((score, slot) => ({ score, slot }))
      .sort((a, b) => b.score - a.score || a.slot - b.slot);
    expect(top.sorted()).toEqual(sorted.slice(0, k));
  }
});

test("chunkRows has to be a positive integer", () => {
  for (const chunkRows of [0, -1, 1.5, NaN]) expect(() => exactEngine({ chunkRows })).toThrow(RangeError);
});
