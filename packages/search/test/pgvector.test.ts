/** The engine on pgvector: a real Postgres with the extension, in WebAssembly. The cases of all engines, and SQL from outside. */
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEmbeddingIndex } from "../src/index.js";
import { pgvectorEngine } from "../src/pgvector/index.js";
import type { PostgresClient } from "../src/pgvector/index.js";
import { engineCases } from "./engine-cases.js";
import { CHECKPOINT, DIMENSION, entriesOf, expectNearest, queriesOf } from "./world.js";

let database: PGlite;
beforeAll(async () => {
  database = await PGlite.create({ extensions: { vector } });
  await database.query("CREATE EXTENSION vector");
});
afterAll(() => database.close());
const client: PostgresClient = { query: (text, parameters) => database.query(text, parameters) };

let made = 0;
engineCases("pgvector", {
  fresh: () => pgvectorEngine({ client, table: `images ${++made}` }),
  again: () => pgvectorEngine({ client, table: `images ${made}` }),
});
const open = (engine: ReturnType<typeof pgvectorEngine>) =>
  openEmbeddingIndex({ dimension: DIMENSION, checkpoint: CHECKPOINT, engine });

describe("names from outside", () => {
  test.each([
    'images"; DROP TABLE "keep me"; --',
    'images\'); DROP TABLE "keep me"; --',
    "Ima ges",
    "select",
    "été $1 %s \\",
    '"',
  ])("%s is a table like any other", async (table) => {
    await database.query('CREATE TABLE IF NOT EXISTS "keep me" (id int)');
    const entries = entriesOf(12);
    for (const schema of [undefined, 'other "schema"; --']) {
      if (schema !== undefined) await database.exec('CREATE SCHEMA IF NOT EXISTS "other ""schema""; --"');
      const engine = pgvectorEngine({
        client,
        table,
        hnsw: true,
        ...(schema === undefined ? {} : { schema }),
      });
      const index = await open(engine);
      await index.add(entries);
      const [query] = queriesOf(1);
      expectNearest((await index.search([query!]))[0]!, query!, entries, 10);
      const { rows } = await database.query(
        "SELECT 1 FROM information_schema.tables WHERE table_name = $1 AND ($2::text IS NULL OR table_schema = $2)",
        [table, schema ?? "public"],
      );
      expect(rows.length).toBe(1);
    }
    expect((await database.query("SELECT to_regclass('\"keep me\"') IS NOT NULL AS there")).rows).toEqual([
      { there: true },
    ]);
  });

  test("that Postgres would cut, or could not keep, are refused", () => {
    expect(() => pgvectorEngine({ client, table: "x".repeat(59) })).toThrow(TypeError);
    for (const table of ["é".repeat(30), "", "a\0b", "\ud800"]) {
      expect(() => pgvectorEngine({ client, table })).toThrow(TypeError);
    }
    expect(() => pgvectorEngine({ client, table: "x", schema: "x".repeat(64) })).toThrow(TypeError);
    for (const m of [0, 1.5, NaN, "8; DROP TABLE x" as unknown as number]) {
      expect(() => pgvectorEngine({ client, table: "x", hnsw: { m } })).toThrow(RangeError);
    }
  });
});

test("a table of somebody's own is taken if it has the columns, and refused otherwise", async () => {
  const zeros = Array.from({ length: DIMENSION - 1 }, () => 0);
  await database.exec(`
    CREATE TABLE mine (id text PRIMARY KEY, embedding vector(${DIMENSION}), metadata jsonb, more int);
    INSERT INTO mine VALUES ('a', '[${[1, ...zeros].join(",")}]', '{"k": 1}', 7),
      ('b', '[${[-1, ...zeros].join(",")}]', NULL, 7), ('c', NULL, '{}', 7), ('d', '[${[0, ...zeros].join(",")}]', '{}', 7);
    CREATE TABLE narrow (id text PRIMARY KEY, embedding vector(3), metadata jsonb);
    CREATE TABLE other (id int PRIMARY KEY, embedding vector(${DIMENSION}), metadata jsonb);
    CREATE TABLE empty ();
  `);
  const index = await open(pgvectorEngine({ client, table: "mine" }));
  const query = Float32Array.from({ length: DIMENSION }, (_, i) => (i === 0 ? 5 : 0));
  expect(await index.search([query])).toEqual([
    [
      { id: "a", similarity: 1, metadata: { k: 1 } },
      { id: "b", similarity: -1, metadata: {} }, // "c" and "d" have no direction
    ],
  ]);
  const refused = { narrow: "width", other: "unsupported", empty: "unsupported" };
  for (const [table, code] of Object.entries(refused)) {
    await expect(open(pgvectorEngine({ client, table }))).rejects.toMatchObject({
      name: "SearchError",
      code,
    });
  }
});

test("a database without the extension is refused by name", async () => {
  const none: PostgresClient = { query: () => Promise.resolve({ rows: [{ there: false }] }) };
  await expect(open(pgvectorEngine({ client: none, table: "x" }))).rejects.toMatchObject({
    code: "unsupported",
  });
});

test("what the client rejects with passes through", async () => {
  const index = await open(pgvectorEngine({ client, table: "gone" }));
  await database.query("DROP TABLE gone");
  await expect(index.search(queriesOf(1))).rejects.toMatchObject({ code: "42P01" });
});

test("an HNSW index is used, and gone past where it finds too few", async () => {
  const asked: string[] = [];
  const watched: PostgresClient = {
    query: (text, parameters) => {
      asked.push(text);
      return database.query(text, parameters);
    },
  };
  const index = await open(
    pgvectorEngine({ client: watched, table: "near", hnsw: { m: 8, efConstruction: 40 } }),
  );
  const entries = entriesOf(400);
  await index.add(entries);
  const queries = queriesOf(3);
  await database.exec("SET enable_seqscan = off"); // it would be cheaper for so few
  try {
    const search = async (
      options: { topK: number; filter?: { year: number } },
      passing = entries,
      recall = 1,
    ) => {
      asked.length = 0;
      const hits = await index.search(queries, options);
      hits.forEach((some, i) => expectNearest(some, queries[i]!, passing, options.topK, { recall }));
      return asked.length;
    };
    expect(await search({ topK: 8 }, entries, 0.7)).toBe(1);
    const { rows } = await database.query<{ "QUERY PLAN": string }>(`EXPLAIN ${asked[0]!}`, [
      JSON.stringify(queries.map((query) => `[${query.join(",")}]`)),
      "8",
    ]);
    expect(rows.map((row) => row["QUERY PLAN"]).join("\n")).toContain("Index Scan using near_hnsw");
    expect(await search({ topK: 100 })).toBe(2); // hnsw.ef_search is 40
    const passing = entries.filter(({ metadata }) => metadata!.year === 2007);
    expect(await search({ topK: 10, filter: { year: 2007 } }, passing)).toBe(2);
  } finally {
    await database.exec("SET enable_seqscan = on");
  }
});
