/** The facade: text queries on the shapes gallery, batches of files, what is refused, saved indexes that are damaged. */
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wasm } from "@textower/backend-wasm";
import { shapesModel } from "@textower/model-shapes";
import type { GalleryEntry } from "@textower/model-shapes";
import { bufferSource, openSafetensors, readTensor } from "@textower/weights";
import { createTextEncoder } from "textower";
import type { ClipTextEncoder } from "textower";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkpointName, exactEngine, openEmbeddingIndex } from "../src/index.js";
import type { EmbeddingIndex, Entry, SearchErrorCode, VectorBatch } from "../src/index.js";
import { CHECKPOINT, cosine, DIMENSION, entriesOf, expectNearest, queriesOf } from "./world.js";

const engine = exactEngine({ backend: wasm({ threads: 1 }), chunkRows: 64 });
const open: EmbeddingIndex[] = [];
const begin = async (dimension = DIMENSION, checkpoint = CHECKPOINT): Promise<EmbeddingIndex> => {
  const index = await openEmbeddingIndex({ dimension, checkpoint, engine });
  open.push(index);
  return index;
};
const refused = (code: SearchErrorCode) => ({ name: "SearchError", code });

let encoder: ClipTextEncoder;
let gallery: GalleryEntry[];
let images: Float32Array; // [pictures, 128]
beforeAll(async () => {
  encoder = await createTextEncoder({ model: "shapes", backend: wasm({ threads: 1 }) });
  gallery = JSON.parse(await readFile(shapesModel.gallery, "utf8")) as GalleryEntry[];
  const file = await openSafetensors(bufferSource(await readFile(shapesModel.galleryEmbeddings)));
  images = (await readTensor(file, "image_embeddings")).data as Float32Array;
});
afterAll(async () => {
  await encoder.dispose();
  for (const index of open) await index.close();
});

describe("the shapes gallery", () => {
  test("texts find their pictures", async () => {
    const index = await begin(128, checkpointName(encoder));
    await index.add(
      gallery.map(({ file, color, shape }, i) => ({
        id: file,
        vector: images.subarray(i * 128, (i + 1) * 128),
        metadata: { color, shape },
      })),
    );
    const texts = ["a red circle", "a small blue star", "green"];
    const found = await index.searchText(encoder, texts, { topK: 5 });
    const { embeddings } = await encoder.encode(texts);
    found.forEach((hits, i) => {
      const plain = gallery
        .map(({ file }, at) => ({
          file,
          similarity: cosine(embeddings[i]!, images.subarray(at * 128, (at + 1) * 128)),
        }))
        .sort((a, b) => b.similarity - a.similarity);
      expect(hits.map(({ id }) => id)).toEqual(plain.slice(0, 5).map(({ file }) => file));
    });
    expect(found[0]![0]!.metadata).toMatchObject({ color: "red", shape: "circle" });
    const [stars] = await index.searchText(encoder, ["red"], { topK: 3, filter: { shape: "star" } });
    for (const { metadata } of stars!) expect(metadata["shape"]).toBe("star");
    expect(await index.searchText(encoder, [])).toEqual([]);
  });

  test("an encoder of another checkpoint or width is refused before it encodes", async () => {
    const never = { info: { ...encoder.info }, encode: () => Promise.reject(new Error("encoded")) };
    const index = await begin(128, "someone/else");
    await expect(index.searchText(never, ["a"])).rejects.toMatchObject(refused("checkpoint"));
    const narrow = await begin(64, checkpointName(encoder));
    await expect(narrow.searchText(never, ["a"])).rejects.toMatchObject(refused("width"));
    // What the encoder's checkpoint is called in this index may be said.
    expect(await index.searchText(encoder, ["a"], { checkpoint: "someone/else" })).toEqual([[]]);
  });

  test("a checkpoint is called by the last parts of its path", () => {
    const name = (checkpoint: string): string => checkpointName({ info: { checkpoint } });
    expect(name("/home/me/clip-vit-base-patch32/model.safetensors")).toBe(
      "clip-vit-base-patch32/model.safetensors",
    );
    expect(name("C:\\models\\ViT-B-32\\open_clip.bin")).toBe("ViT-B-32/open_clip.bin");
    expect(name("https://example.org/a/b/c.pt?token=x#y")).toBe("b/c.pt");
    expect(name("ViT-B-32.pt")).toBe("ViT-B-32.pt");
  });
});

describe("batches of files", () => {
  const batchOf = (entries: readonly Entry[], parts: Partial<VectorBatch> = {}): VectorBatch => ({
    count: entries.length,
    dimension: DIMENSION,
    data: Float32Array.from(entries.flatMap(({ vector }) => Array.from(vector))),
    ...parts,
  });

  test("with ids and metadata, or places instead; ragged, from any iterable", async () => {
    const entries = entriesOf(100);
    async function* batches() {
      for (const [from, to] of [
        [0, 1],
        [1, 1],
        [1, 64],
        [64, 100],
      ] as const) {
        await Promise.resolve();
        const some = entries.slice(from, to);
        yield batchOf(some, {
          ids: some.map(({ id }) => id),
          metadata: some.map(({ metadata }) => metadata!),
        });
      }
    }
    const index = await begin();
    const seen: number[] = [];
    expect(
      await index.addBatches(batches(), {
        checkpoint: CHECKPOINT,
        onProgress: ({ done }) => seen.push(done),
      }),
    ).toBe(100);
    expect(seen).toEqual([1, 1, 64, 100]);
    const [query] = queriesOf(1);
    expectNearest((await index.search([query!], { topK: 20 }))[0]!, query!, entries, 20);

    const bare = [batchOf(entries.slice(0, 30)), batchOf(entries.slice(30))];
    const numbered = await begin();
    await numbered.addBatches(bare);
    const renamed = entries.map(({ vector }, i) => ({ id: String(i), vector }));
    expectNearest((await numbered.search([query!], { topK: 20 }))[0]!, query!, renamed, 20);
    const named = await begin();
    await named.addBatches(bare, { id: (place) => `row ${place}` });
    expect((await named.search([query!], { topK: 1 }))[0]![0]!.id).toMatch(/^row \d+$/);
  });

  test("stop at a bad one; what came before it stays", async () => {
    const good = entriesOf(10);
    const cases: [VectorBatch, object][] = [
      [batchOf(good, { dimension: DIMENSION + 1 }), refused("width")],
      [batchOf(good, { count: 11 }), { name: "RangeError" }],
      [batchOf(good, { ids: ["a"] }), { name: "RangeError" }],
      [batchOf(good, { metadata: [{}] }), { name: "RangeError" }],
      [batchOf(good, { ids: good.map(() => "same") }), refused("duplicate-id")],
      [batchOf([{ id: "", vector: new Float32Array(DIMENSION) }]), refused("bad-vector")],
    ];
    for (const [bad, error] of cases) {
      const index = await begin();
      await expect(index.addBatches([batchOf(good), bad, batchOf(good)])).rejects.toMatchObject(error);
      expect(await index.count()).toBe(10);
    }
  });

  test("stop at a signal", async () => {
    const index = await begin();
    const controller = new AbortController();
    const adding = index.addBatches(
      (function* () {
        yield batchOf(entriesOf(10));
        controller.abort();
        yield batchOf(entriesOf(10));
      })(),
      { signal: controller.signal },
    );
    await expect(adding).rejects.toMatchObject({ name: "AbortError" });
    expect(await index.count()).toBe(10);
  });
});

describe("what is refused, with nothing added", () => {
  const vector = Array.from({ length: DIMENSION }, (_, i) => i + 1);
  const with0 = (value: number): number[] => [value, ...vector.slice(1)];
  const bad: [string, Entry, SearchErrorCode][] = [
    ["a vector too short", { id: "x", vector: vector.slice(1) }, "width"],
    ["a vector too long", { id: "x", vector: [...vector, 1] }, "width"],
    ["no vector", { id: "x" } as unknown as Entry, "width"],
    ["NaN", { id: "x", vector: with0(NaN) }, "bad-vector"],
    ["Infinity", { id: "x", vector: with0(-Infinity) }, "bad-vector"],
    ["a hole", { id: "x", vector: with0(undefined as unknown as number) }, "bad-vector"],
    ["zeros", { id: "x", vector: vector.map(() => 0) }, "bad-vector"],
    ["a length beyond numbers", { id: "x", vector: vector.map(() => 1e200) }, "bad-vector"],
    ["an empty id", { id: "", vector }, "bad-entry"],
    ["a number for an id", { id: 7 as unknown as string, vector }, "bad-entry"],
    ["U+0000 in an id", { id: "a\0b", vector }, "bad-entry"],
    ["half of a surrogate pair in an id", { id: "a\ud83d", vector }, "bad-entry"],
    ["an id that is there already in this call", { id: "good", vector }, "duplicate-id"],
    ["U+0000 in metadata", { id: "x", vector, metadata: { a: ["b\0"] } }, "bad-entry"],
    ["half of a surrogate pair in a key", { id: "x", vector, metadata: { a: { "\udc00": 1 } } }, "bad-entry"],
    ["NaN in metadata", { id: "x", vector, metadata: { a: NaN } }, "bad-entry"],
    ["a date", { id: "x", vector, metadata: { a: new Date() } }, "bad-entry"],
    ["a function", { id: "x", vector, metadata: { a: () => 1 } }, "bad-entry"],
    ["a map", { id: "x", vector, metadata: new Map() as unknown as Record<string, unknown> }, "bad-entry"],
    [
      "a list for metadata",
      { id: "x", vector, metadata: [1] as unknown as Record<string, unknown> },
      "bad-entry",
    ],
    ["an integer beyond the safe ones", { id: "x", vector, metadata: { a: 2n ** 60n } }, "bad-entry"],
    ["a cycle", { id: "x", vector, metadata: cyclic() }, "bad-entry"],
  ];
  test.each(bad)("%s", async (_, entry, code) => {
    const index = await begin();
    const adding = index.add([{ id: "good", vector }, entry]);
    await expect(adding).rejects.toMatchObject(refused(code));
    await expect(adding).rejects.toThrow(/^add: expected .*, got /);
    expect(await index.count()).toBe(0);
  });

  test("queries", async () => {
    const index = await begin();
    await index.add([{ id: "good", vector }]);
    for (const [query, code] of [
      [vector.slice(1), "width"],
      [with0(NaN), "bad-vector"],
      [vector.map(() => 0), "bad-vector"],
    ] as const) {
      await expect(index.search([vector, query])).rejects.toMatchObject(refused(code));
    }
    for (const topK of [0, -1, 1.5, NaN, Infinity]) {
      await expect(index.search([vector], { topK })).rejects.toThrow(RangeError);
    }
    for (const filter of [
      { a: {} },
      { a: { near: 1 } },
      { a: undefined },
      { a: NaN },
      { a: [1] },
      { a: { in: "b" } },
      { a: { in: [{}] } },
      { a: { gt: "1" } },
      { a: { lte: Infinity } },
      { a: "b\0" },
      { "a\0": 1 },
      [1],
      null,
      "a = 1",
    ]) {
      await expect(index.search([vector], { filter: filter as never })).rejects.toMatchObject(
        refused("bad-filter"),
      );
    }
  });

  test("vectors of another checkpoint", async () => {
    const index = await begin();
    const origin = { checkpoint: "someone/else" };
    await expect(index.add([{ id: "good", vector }], origin)).rejects.toMatchObject(refused("checkpoint"));
    await expect(index.addBatches([], origin)).rejects.toMatchObject(refused("checkpoint"));
    await expect(index.search([vector], origin)).rejects.toMatchObject(refused("checkpoint"));
    await index.add([{ id: "good", vector }], { checkpoint: CHECKPOINT });
    expect((await index.search([vector], { checkpoint: CHECKPOINT }))[0]!.length).toBe(1);
  });

  test("an index of no width, or of no checkpoint", async () => {
    for (const dimension of [0, -1, 1.5, NaN]) {
      await expect(openEmbeddingIndex({ dimension, checkpoint: "a" })).rejects.toThrow(RangeError);
    }
    await expect(openEmbeddingIndex({ dimension: 3, checkpoint: "" })).rejects.toThrow(TypeError);
  });
});

test("metadata is copied: undefined left out, big integers numbers, keys of any name", async () => {
  const index = await begin();
  const vector = queriesOf(1)[0]!;
  const metadata = { a: 1n, b: undefined, c: { d: [null] }, ...(JSON.parse('{"__proto__": 5}') as object) };
  await index.add([{ id: "x", vector, metadata }]);
  (metadata as { a: unknown }).a = "changed";
  metadata.c.d.push(null);
  const [hits] = await index.search([vector], { filter: JSON.parse('{"__proto__": 5}') as never });
  expect(JSON.stringify(hits![0]!.metadata)).toBe('{"a":1,"c":{"d":[null]},"__proto__":5}');
});

describe("a saved index", () => {
  const saved = async (count: number): Promise<Uint8Array> => {
    const index = await begin();
    await index.add(entriesOf(count));
    const pieces: Uint8Array[] = [];
    for await (const piece of index.save()) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  test("goes through a file, in pieces of any size", async () => {
    const folder = mkdtempSync(join(tmpdir(), "textower-search-"));
    try {
      const index = await begin();
      await index.add(entriesOf(70));
      const path = join(folder, "images.index");
      await writeFile(path, index.save());
      for (const highWaterMark of [1, 1000]) {
        const other = await begin();
        expect(await other.load(createReadStream(path, { highWaterMark }))).toBe(70);
        const [query] = queriesOf(1);
        expectNearest((await other.search([query!], { topK: 9 }))[0]!, query!, entriesOf(70), 9);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("may be empty", async () => {
    expect(await (await begin()).load([await saved(0)])).toBe(0);
  });

  test("of another width or checkpoint is refused", async () => {
    const bytes = await saved(3);
    await expect((await begin(DIMENSION + 1)).load([bytes])).rejects.toMatchObject(refused("width"));
    await expect((await begin(DIMENSION, "b")).load([bytes])).rejects.toMatchObject(refused("checkpoint"));
  });

  test("that is cut off anywhere is refused", async () => {
    const bytes = await saved(3);
    for (let length = 0; length < bytes.length; length++) {
      await expect((await begin()).load([bytes.subarray(0, length)])).rejects.toMatchObject(
        refused("bad-file"),
      );
    }
  });

  test("that is damaged never yields a bad vector", async () => {
    const bytes = await saved(3);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Uint8Array.from(bytes);
      damaged[at]! ^= 0xff;
      const index = await begin();
      const error: unknown = await index.load([damaged]).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined) expect(error).toMatchObject({ name: "SearchError" });
      const [hits] = await index.search(queriesOf(1), { topK: 9 });
      for (const { similarity } of hits!) expect(Math.abs(similarity)).toBeLessThan(1.001);
    }
  });
});

function cyclic(): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  object["self"] = object;
  return object;
}
