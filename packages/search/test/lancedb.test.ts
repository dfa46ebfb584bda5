/** The engine on LanceDB: the cases of all engines, its tables as LanceDB sees them, indexes of LanceDB's own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as lancedb from "@lancedb/lancedb";
import { afterAll, expect, test } from "vitest";
import { openEmbeddingIndex } from "../src/index.js";
import { lancedbEngine } from "../src/lancedb/index.js";
import { engineCases } from "./engine-cases.js";
import { CHECKPOINT, DIMENSION, entriesOf, expectNearest, queriesOf } from "./world.js";

const path = mkdtempSync(join(tmpdir(), "textower-lancedb-"));
afterAll(() => rmSync(path, { recursive: true }));

let made = 0;
engineCases("lancedb", {
  fresh: () => lancedbEngine({ lancedb, path, table: `images-${++made}` }),
  again: () => lancedbEngine({ lancedb, path, table: `images-${made}` }),
});

const open = (table: string) =>
  openEmbeddingIndex({
    dimension: DIMENSION,
    checkpoint: CHECKPOINT,
    engine: lancedbEngine({ lancedb, path, table }),
  });

test("an index that LanceDB has made is used, and gone past where it finds too few", async () => {
  const index = await open("indexed");
  const entries = entriesOf(600);
  await index.add(entries);
  const connection = await lancedb.connect(path);
  const table = await connection.openTable("indexed");
  await table.createIndex("vector", {
    config: lancedb.Index.ivfFlat({ numPartitions: 60, distanceType: "cosine" }),
  });
  connection.close();
  await index.close();
  const again = await open("indexed");
  const queries = queriesOf(3);
  const near = await again.search(queries, { topK: 5 });
  near.forEach((hits, i) => expectNearest(hits, queries[i]!, entries, 5, { recall: 0.4 }));
  const passing = entries.filter(({ metadata }) => metadata!.year === 2003);
  const few = await again.search(queries, { topK: 30, filter: { year: 2003 } });
  few.forEach((hits, i) => expectNearest(hits, queries[i]!, passing, 30));
  await again.close();
});

test("a table of somebody else's is refused by name", async () => {
  const connection = await lancedb.connect(path);
  await connection.createTable("theirs", [{ id: "a", vector: Array(DIMENSION).fill(1) }]);
  connection.close();
  await expect(open("theirs")).rejects.toMatchObject({ name: "SearchError", code: "unsupported" });
});

test("what LanceDB rejects with passes through", async () => {
  await expect(open("no 'such' name")).rejects.toThrow(/table name/);
});
