import { openAsBlob, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openVectorFile, VectorFileError } from "../src/index.js";
import type { OpenVectorFileOptions } from "../src/index.js";
import { dataFile, expected, failureOf, readAll, ROWS, WIDTH } from "./files.js";

/** Name of a file → how far its numbers may be off: half a float16 step below 0.25, or float32's. */
const WHOLE: Readonly<
  Record<string, { tolerance: number; ids: boolean; metadata: string[]; options?: OpenVectorFileOptions }>
> = {
  "c-f2.npy": { tolerance: 6.2e-5, ids: false, metadata: [] },
  "c-f4.npy": { tolerance: 1e-8, ids: false, metadata: [] },
  "c-f8.npy": { tolerance: 1e-8, ids: false, metadata: [] },
  "c-f4-big.npy": { tolerance: 1e-8, ids: false, metadata: [] },
  "c-f8-big.npy": { tolerance: 1e-8, ids: false, metadata: [] },
  "fortran-f2.npy": { tolerance: 6.2e-5, ids: false, metadata: [] },
  "fortran-f4.npy": { tolerance: 1e-8, ids: false, metadata: [] },
  "version-2.npy": { tolerance: 1e-8, ids: false, metadata: [] },
  "version-3.npy": { tolerance: 1e-8, ids: false, metadata: [] },
  "one.safetensors": { tolerance: 6.2e-5, ids: false, metadata: [] },
  "two.safetensors": { tolerance: 1e-8, ids: false, metadata: [], options: { vectors: "images" } },
  "fields.jsonl": { tolerance: 1e-8, ids: true, metadata: ["caption"] },
  "lists.jsonl": { tolerance: 1e-8, ids: false, metadata: [] },
  "pandas-snappy.parquet": { tolerance: 1e-8, ids: true, metadata: ["caption", "likes"] },
  "pandas-zstd.parquet": { tolerance: 1e-8, ids: true, metadata: ["caption", "likes"] },
  "pyarrow-fixed.parquet": { tolerance: 1e-8, ids: true, metadata: ["caption", "likes"] },
  "pyarrow-double-v2.parquet": { tolerance: 1e-8, ids: true, metadata: ["caption", "likes"] },
  "pyarrow-half.parquet": { tolerance: 6.2e-5, ids: true, metadata: ["caption", "likes"] },
  "pyarrow-split.parquet": { tolerance: 1e-8, ids: true, metadata: ["caption", "likes"] },
  "polars-zstd.parquet": { tolerance: 1e-8, ids: true, metadata: ["caption", "likes"] },
  "polars-array.parquet": { tolerance: 1e-8, ids: true, metadata: ["caption", "likes"] },
};

describe("files of numpy, safetensors, json, pandas, pyarrow and polars", () => {
  for (const [name, { tolerance, ids, metadata, options }] of Object.entries(WHOLE)) {
    for (const batchSize of [undefined, 7]) {
      test(`${name}, batches of ${batchSize ?? "any size"}`, async () => {
        const file = await openVectorFile(dataFile(name), options);
        expect(file.dimension).toBe(WIDTH);
        expect(file.count).toBe(name.endsWith("jsonl") ? undefined : ROWS);
        const all = await readAll(file, batchSize);
        await file.close();
        expect(all.rows).toHaveLength(ROWS);
        for (const [row, vector] of all.rows.entries()) {
          for (const [column, value] of expected(row).entries()) {
            expect(Math.abs(vector[column]! - value)).toBeLessThan(tolerance);
          }
        }
        const sizes = all.batches.map(({ count }) => count);
        expect(sizes).toEqual(batchSize === undefined ? [ROWS] : [7, 7, 7, 7, 7, 2]);
        const numbers = Array.from({ length: ROWS }, (_, row) => row);
        expect(all.ids).toEqual(ids ? numbers.map((row) => `img-${String(row).padStart(3, "0")}`) : []);
        const whole = numbers.map((row) => ({
          caption: row === 11 ? null : `caption ${row} – é`,
          likes: row * 1000,
        }));
        expect(all.metadata).toEqual(
          metadata.length === 0
            ? []
            : whole.map((row) => Object.fromEntries(metadata.map((key) => [key, row[key as "caption"]]))),
        );
      });
    }
  }

  test("a Blob, bytes and an ArrayBuffer read like the file", async () => {
    const path = dataFile("polars-zstd.parquet");
    const bytes = readFileSync(path);
    const file = await openVectorFile(path);
    const { rows } = await readAll(file);
    await file.close();
    for (const source of [await openAsBlob(path), new Uint8Array(bytes), new Uint8Array(bytes).buffer]) {
      expect((await readAll(await openVectorFile(source))).rows).toEqual(rows);
    }
  });

  test("columns can be left behind", async () => {
    for (const name of ["fields.jsonl", "pandas-zstd.parquet"]) {
      const file = await openVectorFile(dataFile(name), { columns: ["caption"] });
      const { metadata } = await readAll(file);
      await file.close();
      expect(metadata[3]).toEqual({ caption: "caption 3 – é" });
      const none = await openVectorFile(dataFile(name), { columns: [] });
      expect((await readAll(none)).metadata).toEqual([]);
      await none.close();
    }
  });

  test("a file may be read twice, and while it is being read", async () => {
    const file = await openVectorFile(dataFile("pandas-snappy.parquet"));
    const [one, two] = await Promise.all([readAll(file, 3), readAll(file, 11)]);
    expect(one.rows).toEqual(two.rows);
    await file.close();
  });

  test("an array of no rows has a width and no batches", async () => {
    const file = await openVectorFile(dataFile("empty.npy"));
    expect([file.count, file.dimension]).toEqual([0, WIDTH]);
    expect((await readAll(file)).batches).toEqual([]);
    await file.close();
  });

  test("an aborted signal ends reading with its reason", async () => {
    const file = await openVectorFile(dataFile("c-f4.npy"));
    const controller = new AbortController();
    const batches = file.batches({ batchSize: 7, signal: controller.signal });
    await batches.next();
    controller.abort(new Error("enough"));
    await expect(batches.next()).rejects.toThrow("enough");
    await file.close();
  });
});

describe("files that are refused", () => {
  const REFUSED: Readonly<Record<string, [code: string, message: RegExp]>> = {
    "one-dimension.npy": ["no-vectors", /expected shape \(vectors, numbers\), got \(5\)/],
    "integers.npy": ["unsupported", /got "<i8"/],
    "objects.npy": ["unsupported", /got "\|O"/],
    "not-finite.npy": ["not-finite", /got NaN at 1 of row 1/],
    "two.safetensors": ["ambiguous", /got images, texts|got texts, images/],
    "ambiguous.parquet": ["ambiguous", /got a, b/],
    "ragged.parquet": [
      "bad-row",
      /expected lists of 5 numbers, as in the first row, got another length at or after row 20/,
    ],
    "missing.parquet": ["bad-row", /expected numbers in every row, got null .* row (19|20)/],
    "pandas-gzip.parquet": ["unsupported", /GZIP/],
  };
  for (const [name, [code, message]] of Object.entries(REFUSED)) {
    test(`${name}: ${code}`, async () => {
      const error = await failureOf(openVectorFile(dataFile(name)));
      expect(error).toBeInstanceOf(VectorFileError);
      expect((error as VectorFileError).code).toBe(code);
      expect((error as VectorFileError).message).toMatch(message);
    });
  }

  test("every file of test/data is in one of the lists", () => {
    const known = [...Object.keys(WHOLE), ...Object.keys(REFUSED), "empty.npy"].toSorted();
    expect([...new Set(known)].toSorted()).toEqual(readdirSync(dataFile("")).toSorted());
  });

  const jsonl = (text: string): Uint8Array => new TextEncoder().encode(text);
  for (const [what, text, code, message] of [
    ["a vector that is shorter", "[1,2]\n[3]\n", "bad-row", /line 2: expected 2 numbers/],
    [
      "null in a vector",
      "[1,2]\n[3,null]\n",
      "bad-row",
      /line 2: expected a list of numbers, got a list of other/,
    ],
    ["no vector", '{"a": 1}\n', "no-vectors", /line 1: expected one field/],
    ["two vectors", '{"a": [1], "b": [2]}\n', "ambiguous", /line 1: .* got a, b/],
    ["no JSON", "[1]\n[NaN]\n", "bad-row", /line 2: expected JSON/],
    ["a number beyond float32", "[1e300]\n", "not-finite", /got Infinity/],
    [
      "an id that is none",
      '{"id": "a", "v": [1]}\n{"v": [2]}\n',
      "bad-row",
      /line 2: expected a string or number as id/,
    ],
    ["bytes that are nothing", "hello", "unknown-format", /expected the first bytes/],
  ] as const) {
    test(`jsonl: ${what}`, async () => {
      const error = await failureOf(openVectorFile(jsonl(text)));
      expect(error).toMatchObject({ name: "VectorFileError", code });
      expect((error as Error).message).toMatch(message);
    });
  }
});
