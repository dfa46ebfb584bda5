/** Whole text models behind the facade: a published ONNX interface, and one that counts what it is asked. */
import { exportTextModel, onnxTextModel } from "@textower/backend-onnx";
import { difference, loadGolden, syntheticWeights } from "@textower/conformance";
import { buildTextEncoder } from "@textower/model";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { createTextEncoder } from "../src/index.js";
import type { TextModel, TextModelEncoder } from "../src/index.js";

async function goldenEncoder(maxRows?: number): Promise<TextModelEncoder> {
  const { descriptor, spec } = await loadGolden("tiny");
  const pooling = { rule: "argmax", endOfText: 49407 } as const;
  const weights = syntheticWeights(spec);
  const { files } = exportTextModel(buildTextEncoder(descriptor), weights, { ...descriptor, pooling });
  const pieces: Uint8Array[] = [];
  for await (const piece of files[0]!.pieces()) pieces.push(piece);
  const options = { executionProviders: ["cpu"], threads: 2, name: "tiny" };
  const model = await onnxTextModel(ort, Buffer.concat(pieces), options);
  return createTextEncoder({ model, ...(maxRows !== undefined && { maxRows }) });
}

describe("a published ONNX interface", () => {
  test.each([undefined, 1, 1000])(
    "golden vectors, in order, with at most %s rows a batch",
    async (maxRows) => {
      const golden = await loadGolden("tiny");
      const prompts = golden.prompts!;
      const { embedDim } = golden.descriptor;
      const encoder = await goldenEncoder(maxRows);
      const options = { normalize: false, longText: "truncate" } as const;
      const { data, embeddings } = await encoder.encode(prompts, options);
      expect(difference(data, golden.embeddings.flat(), embedDim!).maxAbs).toBeLessThan(5e-5);
      expect(embeddings.length).toBe(prompts.length);
      let at = 0;
      for await (const { embedding } of encoder.encodeStream(prompts, options)) {
        const expected = golden.embeddings[at++]!;
        expect(difference(embedding, expected, embedDim!).maxAbs).toBeLessThan(5e-5);
      }
      expect(at).toBe(prompts.length);
      await encoder.dispose();
    },
  );

  test("says what it is, and ends", async () => {
    const encoder = await goldenEncoder();
    expect(encoder.info).toMatchObject({
      backend: "onnx",
      checkpoint: "tiny",
      contextLength: 77,
      embedDim: 32,
      precision: "float32",
      threads: 2,
    });
    await encoder.dispose();
    await encoder.dispose();
    await expect(encoder.encode("a")).rejects.toMatchObject({ name: "DisposedError" });
  });
});

/** Vectors [first id after the start, number of ids]; remembers the lengths of what came together. */
function counting(vector?: readonly number[]): TextModel & { readonly batches: number[][] } {
  const batches: number[][] = [];
  return {
    name: "counting",
    contextLength: 8,
    embedDim: 2,
    info: { backend: "test", device: "test", precision: "float32", threads: 1, memoryBytes: 0, notes: [] },
    batches,
    encode: (prompts) => {
      batches.push(prompts.map(({ length }) => length));
      return Promise.resolve(Float32Array.from(prompts.flatMap((ids) => vector ?? [ids[1]!, ids.length])));
    },
    dispose: () => Promise.resolve(),
  };
}

describe("any model", () => {
  const sequence = (...ids: number[]) => ({ ids });
  const prompts = [sequence(1, 5, 6, 2), sequence(1, 7, 2), sequence(1, 5, 6, 2), sequence(1, 2)];

  test("equal prompts once, sorted by length, cut by padded rows", async () => {
    const model = counting();
    const encoder = await createTextEncoder({ model, maxRows: 6 });
    const { data, rows, prompts: results } = await encoder.encode(prompts, { normalize: false });
    expect([...data]).toEqual([5, 4, 7, 3, 5, 4, 2, 2]);
    expect(model.batches).toEqual([[2, 3], [4]]);
    expect(rows).toBe(10);
    expect(results.map(({ tokens }) => tokens)).toEqual([4, 3, 4, 2]);
  });

  test("vectors of length 1, and progress", async () => {
    const encoder = await createTextEncoder({ model: counting(), maxRows: 1 });
    const seen: number[] = [];
    const { embeddings } = await encoder.encode(prompts, { onProgress: ({ done }) => seen.push(done) });
    for (const embedding of embeddings) expect(Math.hypot(...embedding)).toBeCloseTo(1, 6);
    expect(seen).toEqual([1, 2, 4]);
  });

  test("no prompts", async () => {
    const encoder = await createTextEncoder({ model: counting() });
    expect((await encoder.encode([])).data.length).toBe(0);
  });

  test("never hands on what is no vector, or too few of them", async () => {
    for (const vector of [[NaN, 1], [0, 0], [1]]) {
      const encoder = await createTextEncoder({ model: counting(vector) });
      await expect(encoder.encode(prompts)).rejects.toMatchObject({ name: "NumericalError" });
    }
  });

  test("refuses texts and tokens that do not fit, and tokenizers", async () => {
    const model = counting();
    const encoder = await createTextEncoder({ model });
    await expect(encoder.encode("one two three four five six seven")).rejects.toMatchObject({
      name: "TextTooLongError",
    });
    await expect(encoder.encode(sequence(1, 99999))).rejects.toThrow("expected ids below 49408");
    await expect(encoder.encode(sequence(...Array(9).keys()))).rejects.toThrow("expected 1 to 8 tokens");
    expect(model.batches).toEqual([]);
    const { tokenizer } = await createTextEncoder({ model: { ...counting(), contextLength: 9 } });
    await expect(createTextEncoder({ model, tokenizer })).rejects.toMatchObject({ name: "SetupError" });
  });
});
