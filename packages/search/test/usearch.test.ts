/** The engine on usearch: the cases of all engines, its folder, and what a kill leaves. */
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as usearch from "usearch";
import { afterAll, expect, test } from "vitest";
import { openEmbeddingIndex } from "../src/index.js";
import { usearchEngine } from "../src/usearch/index.js";
import { engineCases } from "./engine-cases.js";
import { CHECKPOINT, DIMENSION, entriesOf, expectNearest, queriesOf } from "./world.js";

const folder = mkdtempSync(join(tmpdir(), "textower-usearch-"));
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
const pathOf = (number: number): string => join(folder, String(number));
// Hundreds of vectors are few for it: nearly all neighbours are found.
engineCases("usearch", {
  fresh: () => usearchEngine({ usearch, path: pathOf(++made) }),
  again: () => usearchEngine({ usearch, path: pathOf(made) }),
  recall: 0.9,
  lists: false,
});
engineCases("usearch, in memory, f16, one thread", {
  fresh: () => usearchEngine({ usearch, quantization: "f16" }),
  recall: 0.9,
  tolerance: 2e-3,
  lists: false,
});

const open = (path: string) =>
  openEmbeddingIndex({
    dimension: DIMENSION,
    checkpoint: CHECKPOINT,
    engine: usearchEngine({ usearch, path }),
  });

test("flush writes; what came later is lost with the process, and files of before are gone", async () => {
  const path = pathOf(++made);
  const entries = entriesOf(90);
  const index = await open(path);
  await index.add(entries.slice(0, 50));
  await index.flush();
  await index.flush(); // nothing to write
  await index.add(entries.slice(50, 70));
  await index.flush();
  await index.add(entries.slice(70));
  expect(readdirSync(path).sort()).toEqual(["entries", "vectors-2.usearch"]);
  const another = await open(path); // as after a kill
  expect(await another.count()).toBe(70);
  const queries = queriesOf(2);
  const hits = await another.search(queries, { topK: 5 });
  hits.forEach((some, i) => expectNearest(some, queries[i]!, entries.slice(0, 70), 5, { recall: 0.9 }));
  await another.close(); // clean: nothing is written
  await index.close();
  expect(await (await open(path)).count()).toBe(90);
});

test("a kill between the two files leaves the index of before", async () => {
  const path = pathOf(++made);
  const index = await open(path);
  await index.add(entriesOf(10));
  await index.close();
  const before = readFileSync(join(path, "entries"));
  writeFileSync(join(path, "vectors-7.usearch"), "half of something");
  writeFileSync(join(path, "entries.new"), before.subarray(0, 100));
  const again = await open(path);
  expect(await again.count()).toBe(10);
  await again.add(entriesOf(20));
  await again.close();
  expect(readdirSync(path).sort()).toEqual(["entries", "vectors-8.usearch"]);
});

test("damaged folders are refused by name", async () => {
  const path = pathOf(++made);
  const index = await open(path);
  await index.add(entriesOf(40));
  await index.close();
  const entries = readFileSync(join(path, "entries"));
  const damaged = { name: "SearchError", code: "bad-file" };
  for (const bytes of [
    entries.subarray(0, 5),
    entries.subarray(0, 60),
    entries.subarray(0, -1),
    Buffer.from("something else altogether"),
    Buffer.concat([entries.subarray(0, 22), Buffer.from("{{{{"), entries.subarray(26)]),
  ]) {
    writeFileSync(join(path, "entries"), bytes);
    await expect(open(path)).rejects.toMatchObject(damaged);
  }
  writeFileSync(join(path, "entries"), entries);
  renameSync(join(path, "vectors-1.usearch"), join(path, "away"));
  await expect(open(path)).rejects.toMatchObject(damaged);
  const vectors = readFileSync(join(path, "away"));
  for (const length of [0, 1, 100, 300, 3000, vectors.length - 1]) {
    writeFileSync(join(path, "vectors-1.usearch"), vectors.subarray(0, length));
    await expect(open(path)).rejects.toMatchObject(damaged);
  }
});
