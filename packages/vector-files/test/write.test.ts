import { parquetReadObjects } from "hyparquet";
import { describe, expect, test } from "vitest";
import { createVectorWriter, openVectorFile, vectorFormatOf, VectorFileError } from "../src/index.js";
import type { VectorBatch, VectorFormat, WriterOptions } from "../src/index.js";
import { expected, MemorySink, readAll, ROWS, WIDTH } from "./files.js";

const ids = Array.from({ length: ROWS }, (_, row) => `id ${row}`);
const metadata = ids.map((_, row) => ({
  text: row === 3 ? null : `caption ${row} – é`,
  n: row * 2 ** 40,
  score: row / 3,
  good: row % 2 === 0,
}));
const columns = [
  { name: "text", type: "string" },
  { name: "n", type: "int64" },
  { name: "score", type: "double" },
  { name: "good", type: "boolean" },
] as const;
const everything = { dimension: WIDTH, ids: "id", columns } as const;

/** Rows of the test's vectors as a batch. */
function batch(begin: number, end: number): VectorBatch {
  const rows = Array.from({ length: end - begin }, (_, i) => expected(begin + i));
  return {
    count: end - begin,
    dimension: WIDTH,
    data: Float32Array.from(rows.flat()),
    ids: ids.slice(begin, end),
    metadata: metadata.slice(begin, end),
  };
}

async function written(
  format: VectorFormat,
  options: WriterOptions,
  cuts: readonly number[],
): Promise<Uint8Array> {
  const sink = new MemorySink();
  const writer = await createVectorWriter(format, sink, options);
  let begin = 0;
  for (const end of [...cuts, ROWS]) {
    await writer.write(batch(begin, end));
    begin = end;
  }
  await writer.finish();
  return sink.bytes();
}

for (const format of ["npy", "safetensors", "parquet", "jsonl"] as const) {
  describe(format, () => {
    test("what is written is read again, number by number", async () => {
      const all = await readAll(await openVectorFile(await written(format, everything, [])));
      expect(all.rows).toEqual(Array.from({ length: ROWS }, (_, row) => Float32Array.from(expected(row))));
      const carries = format === "parquet" || format === "jsonl";
      expect(all.ids).toEqual(carries ? ids : []);
      expect(all.metadata).toEqual(carries ? metadata : []);
    });

    test("batches leave no trace, and neither does a count that is known", async () => {
      const whole = await written(format, everything, []);
      expect(await written(format, everything, [1, 2, 20])).toEqual(whole);
      const counted = await readAll(
        await openVectorFile(await written(format, { ...everything, count: ROWS }, [9])),
      );
      expect(counted.rows).toEqual((await readAll(await openVectorFile(whole))).rows);
    });

    test("a batch of another width, and a count that was wrong, are refused", async () => {
      const sink = new MemorySink();
      const writer = await createVectorWriter(format, sink, { dimension: WIDTH, count: 4 });
      const wide = { count: 1, dimension: WIDTH + 1, data: new Float32Array(WIDTH + 1) };
      await expect(writer.write(wide)).rejects.toThrow(/expected vectors of 5 numbers, got 6/);
      expect(sink.bytes()).toHaveLength(format === "parquet" ? sink.bytes().length : 0);
      await expect(writer.write({ ...batch(0, 2), count: 3 })).rejects.toThrow(
        /expected 3 × 5 numbers, got 10/,
      );
      await writer.write(batch(0, 2));
      await expect(writer.finish()).rejects.toThrow(/expected 4 vectors, as was said at first, got 2/);
    });
  });
}

test("Parquet reads alike in a reader that knows nothing of vectors", async () => {
  const bytes = await written(
    "parquet",
    { ...everything, vectors: "v", description: { checkpoint: "x" } },
    [5],
  );
  const rows = await parquetReadObjects({ file: bytes.slice().buffer });
  expect(rows).toHaveLength(ROWS);
  expect(rows[7]).toEqual({
    v: expected(7).map(Math.fround),
    id: ids[7],
    text: metadata[7]!.text,
    n: BigInt(metadata[7]!.n),
    score: metadata[7]!.score,
    good: false,
  });
});

test("Parquet of many row groups", async () => {
  const [count, dimension] = [5000, 512];
  const data = Float32Array.from({ length: count * dimension }, (_, i) => Math.fround(Math.sin(i)));
  const sink = new MemorySink();
  const writer = await createVectorWriter("parquet", sink, { dimension });
  await writer.write({ count, dimension, data });
  await writer.finish();
  const { rows } = await readAll(await openVectorFile(sink.bytes()), 999);
  expect(rows).toHaveLength(count);
  expect(rows.every((row, i) => row.every((value, j) => value === data[i * dimension + j]))).toBe(true);
});

test("a value that its column cannot hold names the column; a column twice is refused", async () => {
  const writer = await createVectorWriter("parquet", new MemorySink(), {
    dimension: 1,
    columns: [{ name: "n", type: "int64" }],
  });
  const bad = { count: 1, dimension: 1, data: new Float32Array(1), metadata: [{ n: 1.5 }] };
  await expect(writer.write(bad)).rejects.toThrow(/expected int64 values in the column n, got 1.5/);
  await expect(
    createVectorWriter("parquet", new MemorySink(), { dimension: 1, ids: "embedding" }),
  ).rejects.toThrow(VectorFileError);
});

test("formats of names", () => {
  expect(["a.npy", "b.PARQUET", "c.safetensors", "d.jsonl", "e.csv"].map(vectorFormatOf)).toEqual([
    "npy",
    "parquet",
    "safetensors",
    "jsonl",
    undefined,
  ]);
});
