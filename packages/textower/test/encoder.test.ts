/** The facade on real parts: the shapes model and micro checkpoints, ONNX Runtime and the reference. */
import { readFileSync } from "node:fs";
import {
  difference,
  GOLDEN_TOLERANCE,
  loadGolden,
  syntheticSpec,
  syntheticWeights,
} from "@textower/conformance";
import { reference } from "@textower/backend-reference";
import { onnx } from "@textower/backend-onnx";
import type { Backend, WeightSource } from "@textower/graph";
import { buildTextEncoder, packSegments } from "@textower/model";
import { createTokenizer } from "@textower/tokenizer";
import type { Checkpoint, CheckpointDescriptor } from "@textower/weights";
import * as ort from "onnxruntime-node";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  createTextEncoder,
  listBackends,
  registerBackend,
  similarity,
  unregisterBackend,
} from "../src/index.js";

const backends: Record<string, () => Backend> = { reference, onnx: () => onnx({ ort }) };
const shapesGolden = JSON.parse(
  readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8"),
) as { captions: { text: string; ids: number[]; embedding: number[] }[] };
const file = (name: string): string => new URL(`../../weights/test/golden/${name}`, import.meta.url).pathname;

describe.each(Object.keys(backends))("on %s", (name) => {
  const backend = backends[name]!();

  test("the shapes model gives the vectors that its training framework gives", async () => {
    await using encoder = await createTextEncoder({ model: "shapes", backend });
    const texts = shapesGolden.captions.map(({ text }) => text);
    const { data, prompts } = await encoder.encode(texts, { normalize: false });
    const expected = shapesGolden.captions.map(({ embedding }) => embedding);
    expect(difference(data, expected.flat(), 128).maxAbs).toBeLessThanOrEqual(GOLDEN_TOLERANCE);
    expect(prompts.map(({ tokens }) => tokens)).toEqual(shapesGolden.captions.map(({ ids }) => ids.length));
  });

  test.each(["micro.openai.safetensors", "micro.hf.safetensors"])(
    "%s gives golden embeddings",
    async (checkpoint) => {
      const golden = await loadGolden("micro");
      const tokenizer = createTokenizer();
      const options = { model: file(checkpoint), backend, activation: "quick_gelu", tokenizer } as const;
      await using encoder = await createTextEncoder(options);
      const { data } = await encoder.encode(
        golden.tokens.map((ids) => ({ ids })),
        { normalize: false },
      );
      expect(difference(data, golden.embeddings.flat(), 32).maxAbs).toBeLessThanOrEqual(GOLDEN_TOLERANCE);
    },
  );

  test("one by one, together, and in a stream: the same vectors in the same order", async () => {
    await using encoder = await createTextEncoder({ model: "shapes", backend, maxRows: 80 });
    const texts = Array.from(
      { length: 60 },
      (_, i) => ["a red circle", "a small blue star", "", "ring on teal"][i % 4]! + " and".repeat(i % 9),
    );
    const together = await encoder.encode(texts);
    const streamed: number[] = [];
    for await (const { embedding } of encoder.encodeStream(texts)) streamed.push(...embedding);
    const alone: number[] = [];
    for (const text of texts) alone.push(...(await encoder.encode(text)).data);
    expect(difference(together.data, alone, 128).relative).toBeLessThanOrEqual(2e-5);
    expect(difference(streamed, alone, 128).relative).toBeLessThanOrEqual(2e-5);
    const overlapping = await Promise.all(texts.slice(0, 8).map((text) => encoder.encode([text, "a heart"])));
    overlapping.forEach(({ embeddings }, i) => {
      expect(
        difference(embeddings[0]!, alone.slice(i * 128, (i + 1) * 128), 128).relative,
      ).toBeLessThanOrEqual(2e-5);
    });
  });
});

test("equal prompts and common beginnings are computed once", async () => {
  await using encoder = await createTextEncoder({ model: "shapes", backend: reference() });
  const { rows, embeddings, data } = await encoder.encode(["a red circle", "a red star", "a red circle"]);
  expect(rows).toBe(7); // start, a, red, circle, end, star, end
  expect(embeddings[0]).toEqual(embeddings[2]);
  expect(embeddings[0]!.buffer).toBe(data.buffer);
});

test("embeddings have length 1 unless told otherwise; similarity is their cosine", async () => {
  await using encoder = await createTextEncoder({ model: "shapes", backend: reference() });
  const length = (vector: Float32Array): number => Math.hypot(...vector);
  const [circle, disc, star] = (await encoder.encode(["a red circle", "a red disc", "a blue star"]))
    .embeddings;
  expect(length(circle!)).toBeCloseTo(1, 6);
  const raw = (await encoder.encode("a red circle", { normalize: false })).embeddings[0]!;
  expect(length(raw)).not.toBeCloseTo(1, 2);
  const [[toDisc, toStar]] = similarity([raw], [disc!, star!]) as [Float32Array];
  expect(toDisc).toBeGreaterThan(toStar!);
  expect(similarity([circle!], [raw])[0]![0]).toBeCloseTo(1, 5);
  expect(() => similarity([circle!], [[1, 2]])).toThrow("expected vectors of one width, got 128 and 2");
  expect(() => similarity([[0, 0]], [[1, 2]])).toThrow("similarity: expected a vector with a length, got 0");
});

test("says what it runs on", async () => {
  await using encoder = await createTextEncoder({ model: "shapes", backend: reference() });
  expect(encoder.info).toMatchObject({
    backend: "reference",
    device: "cpu",
    precision: "float32",
    threads: 1,
    embedDim: 128,
  });
  expect(encoder.info.descriptor).toMatchObject({
    vocabSize: 49408,
    contextLength: 77,
    activation: "quick_gelu",
  });
  expect(encoder.info.checkpoint).toContain("model.safetensors");
  expect(encoder.logitScale).toBeGreaterThan(0);
});

test("hidden states come as one row per token", async () => {
  await using encoder = await createTextEncoder({
    model: "shapes",
    backend: reference(),
    outputs: ["last", "hidden.2", "embedding"],
  });
  const { prompts } = await encoder.encode(["a red circle", "a red star", "star"]);
  expect(prompts.map(({ hidden }) => [hidden["last"]!.length, hidden["hidden.2"]!.length])).toEqual([
    [5 * 128, 5 * 128],
    [5 * 128, 5 * 128],
    [3 * 128, 3 * 128],
  ]);
  // Rows of the common beginning are the same rows.
  expect(prompts[0]!.hidden["last"]!.slice(0, 3 * 128)).toEqual(
    prompts[1]!.hidden["last"]!.slice(0, 3 * 128),
  );
  await using states = await createTextEncoder({ model: "shapes", backend: reference(), outputs: ["last"] });
  const [only] = (await states.encode("a red circle")).prompts;
  expect(only!.embedding).toHaveLength(0);
  expect(only!.hidden["last"]).toEqual(prompts[0]!.hidden["last"]);
});

describe("with a prefix cache", () => {
  const typed = "a small red star left of a large blue circle on a white background";
  const keystrokes = Array.from({ length: typed.length }, (_, i) => typed.slice(0, i + 1));

  test.each(Object.keys(backends))(
    "search as you type pays for what is new, with the same vectors, on %s",
    async (name) => {
      const backend = backends[name]!();
      await using plain = await createTextEncoder({ model: "shapes", backend });
      await using cached = await createTextEncoder({ model: "shapes", backend, prefixCache: 2 ** 20 });
      let [computed, tokens] = [0, 0];
      for (const prompt of keystrokes) {
        const { data, rows, prompts } = await cached.encode(prompt);
        expect(difference(data, (await plain.encode(prompt)).data, 128).relative).toBeLessThanOrEqual(2e-5);
        computed += rows;
        tokens += prompts[0]!.tokens;
      }
      expect(computed).toBeLessThan(tokens / 3);
      expect(cached.prefixCache!.reused).toBe(tokens - computed);
      const again = await cached.encode(keystrokes);
      expect(again.rows).toBe(new Set(keystrokes.map((prompt) => prompt.trim())).size); // only ends of text are new
      expect(difference(again.data, (await plain.encode(keystrokes)).data, 128).relative).toBeLessThanOrEqual(
        2e-5,
      );
      cached.clearPrefixCache();
      expect(cached.prefixCache).toMatchObject({ rows: 0, bytes: 0 });
      expect((await cached.encode("a red circle")).rows).toBe(5);
    },
  );

  test("stays within its bytes, and lets go of what was used longest ago", async () => {
    const rowBytes = 3 * 2 * 128 * 4; // layers, keys and values, width, float32
    await using encoder = await createTextEncoder({
      model: "shapes",
      backend: reference(),
      prefixCache: 6.5 * rowBytes,
    });
    expect((await encoder.encode("a red circle")).rows).toBe(5); // keeps start, a, red, circle
    expect((await encoder.encode("two blue stars")).rows).toBe(4); // and two, blue; then stars drives out circle
    expect(encoder.prefixCache).toMatchObject({ rows: 6, bytes: 6 * rowBytes });
    expect((await encoder.encode("a red circle")).rows).toBe(2);
    const many = Array.from({ length: 60 }, (_, i) => `${i} rings and ${i} hearts`);
    await Promise.all([
      encoder.encode(many),
      encoder.encode(many.toReversed()),
      encoder.encode("a red circle"),
    ]);
    expect(encoder.prefixCache!.rows).toBeLessThanOrEqual(6);
    await using plain = await createTextEncoder({ model: "shapes", backend: reference() });
    expect((await encoder.encode(many)).data).toEqual((await plain.encode(many)).data);
  });

  test("is refused together with hidden states", async () => {
    const options = { model: "shapes", backend: reference(), outputs: ["last"], prefixCache: 1e6 } as const;
    await expect(createTextEncoder(options)).rejects.toThrow("without hidden states");
  });
});

test("a tower with full attention sees its padding", async () => {
  const descriptor: CheckpointDescriptor = {
    width: 64,
    layers: 2,
    heads: 1,
    mlpWidth: 128,
    embedDim: 16,
    contextLength: 12,
    vocabSize: 49408,
    activation: "gelu",
    attention: "full",
    layerNormEpsilon: 1e-5,
    padId: 7,
    projectionBias: false,
    pooling: { rule: "argmax", endOfText: 49407 },
  };
  const weights = syntheticWeights(syntheticSpec(descriptor));
  const tokenEmbedding = {
    rows: 49408,
    width: 64,
    read: (ids: Int32Array, into: Float32Array) => Promise.resolve(void into.set(weights.tokenRows(ids))),
  };
  const close = vi.fn(() => Promise.resolve());
  const checkpoint = {
    ...(weights as WeightSource),
    descriptor,
    tokenEmbedding,
    close,
    warnings: ["the config says otherwise"],
    name: "synthetic",
  } as unknown as Checkpoint;
  const encoder = await createTextEncoder({ model: checkpoint, backend: reference() });
  expect(encoder.info.notes).toContain("the config says otherwise");
  const { data, rows } = await encoder.encode(["a red circle", "star", "star"], { normalize: false });
  expect(rows).toBe(24);
  const sequences = ["a red circle", "star"].map((text) => encoder.tokenizer.encode(text));
  const packed = packSegments(sequences, descriptor);
  expect(packed.ids[5]).toBe(7);
  const executable = await reference().compile(buildTextEncoder(descriptor), weights);
  const indices = (values: Int32Array) => ({ dtype: "int32", shape: [values.length], data: values }) as const;
  const direct = await executable.run({
    tokens: { dtype: "float32", shape: [24, 64], data: weights.tokenRows(packed.ids) },
    positions: indices(packed.positions),
    segments: indices(packed.segments!),
    pooled: indices(packed.pooled),
  });
  expect(data.slice(0, 32)).toEqual(direct["embedding"]!.data);
  await encoder.dispose();
  expect(close).not.toHaveBeenCalled(); // the checkpoint is the caller's
});

describe("bad input never yields a vector", () => {
  const tooLong = "dog ".repeat(90);
  test("texts that are too long, and things that are not texts", async () => {
    await using encoder = await createTextEncoder({ model: "shapes", backend: reference() });
    await expect(encoder.encode(["fine", tooLong])).rejects.toThrow("expected at most 77 tokens, got 92");
    const { prompts } = await encoder.encode(["fine", tooLong], { longText: "truncate" });
    expect(prompts.map(({ tokens, cut }) => [tokens, cut])).toEqual([
      [3, 0],
      [77, 15],
    ]);
    await expect(encoder.encode([undefined as never])).rejects.toThrow(TypeError);
    await expect(encoder.encode([{ ids: [49406, 49408] }])).rejects.toThrow(
      "expected ids below 49408 in prompt 0, got 49408 at 1",
    );
    await expect(encoder.encode([{ ids: [] }])).rejects.toThrow(
      "expected 1 to 77 tokens for prompt 0, got 0",
    );
    expect((await encoder.encode([])).embeddings).toEqual([]);
  });

  test("vectors that are not finite", async () => {
    const broken: Backend = {
      ...reference(),
      compile: async (...parts) => {
        const executable = await reference().compile(...parts);
        return {
          ...executable,
          info: executable.info,
          dispose: () => executable.dispose(),
          run: async (inputs) => {
            const outputs = await executable.run(inputs);
            outputs["embedding"]!.data[3] = NaN;
            return outputs;
          },
        };
      },
    };
    await using encoder = await createTextEncoder({ model: "shapes", backend: broken });
    await expect(encoder.encode("a red circle")).rejects.toMatchObject({ name: "NumericalError" });
  });

  test("checkpoints that cannot be run", async () => {
    const backend = reference();
    await expect(createTextEncoder({ model: "no/such/file.safetensors", backend })).rejects.toThrow(
      "no/such/file.safetensors",
    );
    await expect(
      createTextEncoder({ model: file("micro.openai.safetensors"), backend }),
    ).rejects.toMatchObject({ name: "MissingActivationError" });
    const micro = { model: file("micro.openai.safetensors"), activation: "quick_gelu", backend } as const;
    await expect(createTextEncoder(micro)).rejects.toThrow(
      "expected a checkpoint with CLIP's 49408 tokens, got 1024",
    );
    await expect(createTextEncoder({ model: "shapes", backend, precision: "int8" })).rejects.toMatchObject({
      name: "UnsupportedError",
    });
  });
});

describe("backends by name", () => {
  afterEach(() => listBackends().forEach(({ name }) => unregisterBackend(name)));

  test("auto is WebAssembly where none is registered", async () => {
    await using encoder = await createTextEncoder({ model: "shapes" });
    await using expected = await createTextEncoder({ model: "shapes", backend: reference() });
    expect(encoder.info.backend).toBe("wasm");
    const texts = ["a red circle", "a small blue star in the corner"];
    const [a, b] = await Promise.all([encoder.encode(texts), expected.encode(texts)]);
    a.embeddings.forEach((embedding, i) => {
      embedding.forEach((value, at) => expect(value).toBeCloseTo(b.embeddings[i]![at]!, 5));
    });
  });

  test("auto takes the first registered one that is supported", async () => {
    const unsupported = { supported: false, reason: "no such thing here" } as const;
    registerBackend({ ...reference(), name: "absent", isSupported: () => Promise.resolve(unsupported) });
    await expect(createTextEncoder({ model: "shapes" })).rejects.toThrow("absent: no such thing here");
    registerBackend(reference());
    await using encoder = await createTextEncoder({ model: "shapes" });
    expect(encoder.info.backend).toBe("reference");
    await expect(createTextEncoder({ model: "shapes", backend: "absent" })).rejects.toThrow(
      "got absent: no such thing here",
    );
    await expect(createTextEncoder({ model: "shapes", backend: "wasm" })).rejects.toMatchObject({
      name: "RegistryError",
    });
  });
});

describe("stopping", () => {
  test("an aborted encode rejects with the reason; others go on", async () => {
    await using encoder = await createTextEncoder({ model: "shapes", backend: reference(), maxRows: 77 });
    const texts = Array.from({ length: 200 }, (_, i) => `${i} stars in a row of ${i * 7}`);
    const controller = new AbortController();
    const done: number[] = [];
    const aborted = encoder.encode(texts, {
      signal: controller.signal,
      onProgress: (progress) => {
        done.push(progress.done);
        if (done.length === 2) controller.abort(new RangeError("enough"));
      },
    });
    const other = encoder.encode("a red circle");
    await expect(aborted).rejects.toThrow("enough");
    expect(done).toHaveLength(2);
    await expect(other).resolves.toMatchObject({ rows: 5 });
    await expect(encoder.encode("x", { signal: AbortSignal.abort(new RangeError("no")) })).rejects.toThrow(
      "no",
    );
  });

  test("an aborted load leaves nothing open", async () => {
    const signal = AbortSignal.abort(new RangeError("stop"));
    await expect(createTextEncoder({ model: "shapes", backend: reference(), signal })).rejects.toThrow(
      "stop",
    );
  });

  test("after dispose every call rejects; progress came while loading", async () => {
    const loaded: number[] = [];
    const onProgress = (progress: { loaded: number; total: number }): void =>
      void loaded.push(progress.loaded / progress.total);
    const encoder = await createTextEncoder({ model: "shapes", backend: reference(), onProgress });
    expect(loaded.at(-1)).toBe(1);
    const running = encoder.encode("a red circle");
    const settled = running.then(
      () => "done",
      (error: Error) => error.name,
    );
    await encoder.dispose();
    expect(["done", "DisposedError"]).toContain(await settled);
    await expect(encoder.encode("a red circle")).rejects.toThrow();
    await encoder.dispose();
  });
});
