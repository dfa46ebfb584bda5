import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createVectorWriter } from "@textower/vector-files";
import type { ClipTextEncoder } from "textower";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BulkError, embedFile } from "../src/index.js";
import type { BulkProgress, EmbedFileOptions } from "../src/index.js";
import { golden, openShapes, readVectors, relativeDifference, scratch, TOLERANCE } from "./support.js";

let encoder: ClipTextEncoder;
beforeAll(async () => {
  encoder = await openShapes();
});
afterAll(() => encoder.dispose());

const texts = golden.map(({ text }) => text);

/** Writes the captions and embeds them; shards of 5, so that batches are ragged. */
async function embedded(
  input: { readonly name: string; readonly content: string | Uint8Array },
  options: Partial<EmbedFileOptions> = {},
): Promise<{ output: string; directory: string; summary: Awaited<ReturnType<typeof embedFile>> }> {
  const directory = scratch();
  const [path, output] = [join(directory, input.name), options.output ?? join(directory, "vectors.npy")];
  writeFileSync(path, input.content);
  const summary = await embedFile(encoder, {
    shardSize: 5,
    normalize: false,
    ...options,
    input: path,
    output,
  });
  return { output, directory, summary };
}

/** A file of captions as Parquet, by way of the vector writer: its text and number columns. */
async function parquetCaptions(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const sink = { write: async (bytes: Uint8Array) => void chunks.push(bytes.slice()) };
  const columns = [{ name: "caption", type: "string" } as const, { name: "page", type: "int64" } as const];
  const writer = await createVectorWriter("parquet", sink, { dimension: 1, ids: "id", columns });
  await writer.write({
    count: texts.length,
    dimension: 1,
    data: new Float32Array(texts.length),
    ids: texts.map((_, i) => `t${i}`),
    metadata: texts.map((caption, i) => ({ caption, page: i * 10 })),
  });
  await writer.finish();
  return new Uint8Array(Buffer.concat(chunks));
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const csv = `id,caption,page\r\n${texts.map((text, i) => `t${i},${quoted(text)},${i * 10}\r\n`).join("")}`;
const jsonl = texts
  .map((caption, i) => `${JSON.stringify({ id: `t${i}`, caption, page: i * 10 })}\n`)
  .join("");

describe("captions in every format become the vectors that PyTorch made", () => {
  const inputs = {
    "captions.txt": () => `\ufeff${texts.join("\r\n")}`,
    "captions.csv": () => csv,
    "captions.jsonl": () => jsonl,
    "captions.parquet": parquetCaptions,
  };
  for (const [name, content] of Object.entries(inputs)) {
    for (const format of ["npy", "safetensors", "parquet", "jsonl"] as const) {
      test(`${name} to ${format}`, async () => {
        const input = { name, content: await content() };
        const { output, directory, summary } = await embedded(input, { outputFormat: format });
        expect(summary).toMatchObject({ rows: texts.length, computed: texts.length, missingShards: 0 });
        expect(readdirSync(directory).toSorted()).toEqual([name, "vectors.npy"].toSorted()); // no shards are left
        const { rows, ids, metadata } = await readVectors(output);
        expect(rows).toHaveLength(texts.length);
        for (const [i, { embedding }] of golden.entries()) {
          expect(relativeDifference(rows[i]!, embedding)).toBeLessThan(TOLERANCE);
        }
        const carries = format === "parquet" || format === "jsonl";
        const isTable = name !== "captions.txt";
        expect(ids).toEqual(carries && isTable ? texts.map((_, i) => `t${i}`) : []);
        const page = (i: number): unknown => (name === "captions.csv" ? String(i * 10) : i * 10);
        const beside = texts.map((text, i) => (isTable ? { caption: text, page: page(i) } : { text }));
        expect(metadata).toEqual(carries ? beside : []);
      });
    }
  }

  test("columns, ids and names can be chosen", async () => {
    const options = {
      outputFormat: "jsonl",
      columns: ["page"],
      idColumn: "caption",
      vectorColumn: "v",
    } as const;
    const { output } = await embedded({ name: "c.csv", content: csv }, options);
    const first = JSON.parse(readFileSync(output, "utf8").split("\n")[0]!) as object;
    expect(Object.keys(first)).toEqual(["caption", "page", "v"]);
  });

  test("JSON Lines may be strings, and its columns become the narrowest type", async () => {
    const content =
      '"a red circle"\n{"text": "star", "n": 1, "mixed": 1}\n{"text": "ring", "n": 2.5, "mixed": "x"}\n';
    const { output } = await embedded({ name: "c.jsonl", content }, { outputFormat: "parquet" });
    expect((await readVectors(output)).metadata).toEqual([
      { text: "a red circle", n: null, mixed: null },
      { text: "star", n: 1, mixed: "1" },
      { text: "ring", n: 2.5, mixed: "x" },
    ]);
  });

  test("quoted CSV fields may hold line ends and commas, across shards", async () => {
    const odd = texts.map((text) => text.replaceAll(" ", " \n")); // white space is white space to the model
    const content = `text,n\n${odd.map((text, i) => `${quoted(text)},${i}\n`).join("")}`;
    const { output } = await embedded({ name: "c.csv", content }, { shardSize: 2 });
    const { rows } = await readVectors(output);
    for (const [i, { embedding }] of golden.entries()) {
      expect(relativeDifference(rows[i]!, embedding)).toBeLessThan(TOLERANCE);
    }
  });

  test("no captions are a file without vectors", async () => {
    for (const outputFormat of ["npy", "safetensors", "jsonl", "parquet"] as const) {
      const { output, summary } = await embedded({ name: "c.txt", content: "" }, { outputFormat });
      expect(summary.rows).toBe(0);
      expect((await readVectors(output).catch(() => ({ rows: [] }))).rows).toEqual([]);
    }
  });
});

describe("policies", () => {
  const gaps = `a red circle\n\nstar\n   \n`;

  test("an empty caption is an error that names its line", async () => {
    await expect(embedded({ name: "c.txt", content: gaps })).rejects.toThrow(
      /c\.txt, line 2: expected a text, got an empty one/,
    );
  });

  test("empty captions are skipped or encoded", async () => {
    const skipped = await embedded({ name: "c.txt", content: gaps }, { empty: "skip", shardSize: 1 });
    expect(skipped.summary).toMatchObject({ rows: 2, skipped: 2 });
    const kept = await embedded({ name: "c.txt", content: gaps }, { empty: "encode", shardSize: 3 });
    const all = await encoder.encode(["a red circle", "", "star", "   "], { normalize: false });
    expect((await readVectors(kept.output)).rows).toEqual(all.embeddings.map((vector) => [...vector]));
    expect((await readVectors(skipped.output)).rows).toEqual(
      [all.embeddings[0]!, all.embeddings[2]!].map((vector) => [...vector]),
    );
  });

  test("a text that is too long is an error that names its line, and what was finished goes on with truncate", async () => {
    const directory = scratch();
    const [input, output] = [join(directory, "c.txt"), join(directory, "v.npy")];
    writeFileSync(input, `${texts.slice(0, 7).join("\n")}\n${"word ".repeat(90)}\n`);
    const options = { input, output, shardSize: 3 };
    const error = await embedFile(encoder, options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BulkError);
    expect((error as BulkError).code).toBe("bad-input");
    expect((error as BulkError).message).toMatch(/c\.txt, line 8: .*expected at most 77 tokens, got 92/);
    const summary = await embedFile(encoder, { ...options, longText: "truncate" });
    expect(summary).toMatchObject({ rows: 8, computed: 2 });
  });
});

describe("input that is refused, with its place", () => {
  const cases: [name: string, content: string | Uint8Array, message: RegExp][] = [
    ["c.txt", Uint8Array.of(0x61, 0x0a, 0xff, 0x0a), /c\.txt, line 2: expected UTF-8/],
    ["c.csv", "a,b\n1,2\n", /expected a column text or caption, or the name of another, got a, b/],
    ["c.csv", "text,b\nred,2\nblue\n", /record 2: expected 2 fields, got 1/],
    ["c.csv", "text,text\n", /expected each column once, got text again/],
    ["c.csv", 'text\n"red\n', /after record 0: expected CSV/],
    ["c.csv", Uint8Array.of(0x74, 0x0a, 0xff, 0x0a), /expected UTF-8/],
    ["c.csv", "", /expected a line of column names, got an empty file/],
    ["c.jsonl", '{"text": "red"}\n{"caption": "blue"}\n', /line 2: expected a column text, got caption/],
    ["c.jsonl", '{"text": "red"}\n{"text": 7}\n', /line 2: expected a text as text, got a number/],
    ["c.jsonl", '{"text": "red"}\n[1]\n', /line 2: expected a JSON string or object, got a list/],
    ["c.parquet", "PAR1 and nothing else", /expected PAR1 at the end/],
    ["c.doc", "red", /expected a name that ends in \.txt, \.csv, \.jsonl, \.parquet/],
  ];
  for (const [name, content, message] of cases) {
    test(`${name}: ${message.source}`, async () => {
      const error = await embedded({ name, content }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: "BulkError" });
      expect((error as Error).message).toMatch(message);
    });
  }
});

describe("resuming", () => {
  test("after an abort only what is missing is computed, and the bytes are those of a run in peace", async () => {
    for (const outputFormat of ["parquet", "npy", "safetensors", "jsonl"] as const) {
      const peaceful = await embedded({ name: "c.csv", content: csv }, { outputFormat });
      const directory = scratch();
      const [input, output] = [join(directory, "c.csv"), join(directory, "vectors")];
      writeFileSync(input, csv);
      const controller = new AbortController();
      const options = { input, output, outputFormat, shardSize: 5, normalize: false } as const;
      const onProgress = ({ phase, done }: BulkProgress): void => {
        if (phase === "encoding" && done >= 10) controller.abort(new Error("enough"));
      };
      const aborted = embedFile(encoder, { ...options, signal: controller.signal, onProgress });
      await expect(aborted).rejects.toThrow("enough");
      expect(readdirSync(`${output}.shards`).toSorted()).toEqual([
        "manifest.json",
        "shard-000000.npy",
        "shard-000001.npy",
      ]);
      const summary = await embedFile(encoder, options);
      expect(summary.computed).toBe(texts.length - 10);
      expect(readFileSync(output)).toEqual(readFileSync(peaceful.output));
      expect(readdirSync(directory).toSorted()).toEqual(["c.csv", "vectors"]);
    }
  });

  test("parts make a whole, in any order", async () => {
    const peaceful = await embedded({ name: "c.csv", content: csv }, { outputFormat: "parquet" });
    const directory = scratch();
    const [input, output] = [join(directory, "c.csv"), join(directory, "vectors.parquet")];
    writeFileSync(input, csv);
    const options = { input, output, shardSize: 5, normalize: false };
    const [second, third] = await Promise.all(
      [2, 3].map((index) => embedFile(encoder, { ...options, shard: { index, count: 3 } })),
    );
    expect([second!.output, third!.output]).toEqual([undefined, undefined]);
    const first = await embedFile(encoder, { ...options, shard: { index: 1, count: 3 } });
    expect(first).toMatchObject({ missingShards: 0, output: undefined });
    const whole = await embedFile(encoder, { ...options, keepShards: true });
    expect(whole).toMatchObject({ computed: 0, output });
    expect(readFileSync(output)).toEqual(readFileSync(peaceful.output));
    expect(readdirSync(`${output}.shards`)).toContain("manifest.json");
  });

  test("shards of another input, option or encoder are refused, and removed where that is asked for", async () => {
    const directory = scratch();
    const [input, output] = [join(directory, "c.txt"), join(directory, "v.npy")];
    writeFileSync(input, texts.join("\n"));
    const options = { input, output, shardSize: 5 };
    await embedFile(encoder, { ...options, shard: { index: 1, count: 2 } });
    const refused = async (
      changed: Partial<EmbedFileOptions>,
      message: RegExp,
      other = encoder as unknown,
    ): Promise<void> => {
      const error = await embedFile(other as ClipTextEncoder, { ...options, ...changed }).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ name: "BulkError", code: "other-job" });
      expect((error as Error).message).toMatch(message);
    };
    await refused({ normalize: false }, /normalize was true, is false/);
    await refused({ shardSize: 4 }, /shardSize was 5, is 4/);
    await refused({ empty: "skip" }, /empty was "error", is "skip"/);
    await refused({ identity: { cleaning: "plain" } }, /cleaning was undefined, is "plain"/);
    const of = (info: object, flip: number): object => ({
      info: { ...encoder.info, ...info },
      async encode(list: string[], asked: object) {
        const { data } = await encoder.encode(list, asked);
        return { data: data.map((value) => value * flip) };
      },
    });
    await refused({}, /precision was float32, is int8/, of({ precision: "int8" }, 1));
    await refused({}, /the encoder is another of the same name/, of({}, -1));
    writeFileSync(input, texts.toReversed().join("\n"));
    await refused({}, /the input's sha256 was/);
    expect(await embedFile(encoder, { ...options, resume: false })).toMatchObject({ computed: texts.length });
  });

  test("a shard that was damaged is named, and not put into the output", async () => {
    const directory = scratch();
    const [input, output] = [join(directory, "c.txt"), join(directory, "v.npy")];
    writeFileSync(input, texts.join("\n"));
    const options = { input, output, shardSize: 5 };
    await embedFile(encoder, { ...options, shard: { index: 1, count: 1 } });
    const shard = join(`${output}.shards`, "shard-000001.npy");
    writeFileSync(shard, readFileSync(shard).subarray(0, -1));
    await expect(embedFile(encoder, options)).rejects.toThrow(
      /shard-000001\.npy: expected 5 vectors of 128 numbers, got a damaged file/,
    );
    expect(readdirSync(directory).toSorted()).toEqual(["c.txt", "v.npy.shards"]);
  });

  test("other files in a work directory stay", async () => {
    const work = join(scratch(), "work");
    mkdirSync(work);
    writeFileSync(join(work, "notes.md"), "mine");
    await embedded({ name: "c.txt", content: texts.join("\n") }, { workDirectory: work });
    expect(readdirSync(work)).toEqual(["notes.md"]);
  });
});

test("progress counts every phase, with a rate", async () => {
  const seen: BulkProgress[] = [];
  await embedded(
    { name: "c.txt", content: texts.join("\n") },
    { onProgress: (progress) => seen.push(progress) },
  );
  expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(["reading", "encoding", "writing"]);
  const encoding = seen.filter(({ phase }) => phase === "encoding");
  expect(encoding.at(-1)).toMatchObject({ done: texts.length, total: texts.length, secondsLeft: 0 });
  expect(encoding.map(({ done }) => done)).toEqual([0, 5, 10, 15, 20, texts.length]);
});
