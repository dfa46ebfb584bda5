/** Exported files, opened by both of ONNX Runtime's packages as they are, without anything of ours between. */
import { difference, loadGolden, syntheticWeights, TOLERANCES, towerInputs } from "@textower/conformance";
import { GraphBuilder, tensor } from "@textower/graph";
import type { RowRange, WeightSource } from "@textower/graph";
import { buildTextEncoder, packRows, packSegments } from "@textower/model";
import { reference } from "@textower/backend-reference";
import * as ortNode from "onnxruntime-node";
import * as ortWeb from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { buildMask, exportOnnx, exportTextModel } from "../src/index.js";
import { bytesOf, exportGolden, paddedIds, writeExport } from "./exported.js";

ortWeb.env.wasm.numThreads = 1;

type Ort = typeof ortNode | typeof ortWeb;
const RUNTIMES = [
  ["onnxruntime-node", ortNode],
  ["onnxruntime-web", ortWeb],
] as const;

/** Runs a session once. @returns the one output */
async function runOnce(
  ort: Ort,
  model: string | Uint8Array,
  feeds: Record<string, ortNode.Tensor>,
  sessionOptions: object = {},
): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(model as Uint8Array, sessionOptions);
  try {
    const results = await session.run(feeds);
    return Object.values(results)[0]!.data as Float32Array;
  } finally {
    await session.release();
  }
}

describe.each(RUNTIMES)("%s", (_, ort) => {
  test.each(["micro", "tiny", "tiny-gelu"] as const)("%s as a text model", async (name) => {
    const golden = await loadGolden(name);
    const { files } = exportGolden(golden);
    expect(files.map((file) => file.name)).toEqual(["model.onnx"]);
    const model = await bytesOf(files[0]!);
    const { embedDim, vocabSize } = golden.descriptor;
    for (const padId of [0, vocabSize - 1]) {
      const { data, dims } = paddedIds(golden.tokens, padId);
      const input_ids = new ort.Tensor("int64", data, dims) as ortNode.Tensor;
      const vectors = await runOnce(ort, model, { input_ids });
      expect(difference(vectors, golden.embeddings.flat(), embedDim!).maxAbs).toBeLessThan(5e-5);
    }
  });

  test("float16: less than 6/10 of the bytes, and close", async () => {
    const golden = await loadGolden("tiny");
    const [full, half] = (["float32", "float16"] as const).map(
      (precision) => exportGolden(golden, { precision }).files[0]!,
    );
    expect(half!.byteLength).toBeLessThan(0.6 * full!.byteLength);
    const { data, dims } = paddedIds(golden.tokens, 0);
    const input_ids = new ort.Tensor("int64", data, dims) as ortNode.Tensor;
    const vectors = await runOnce(ort, await bytesOf(half!), { input_ids });
    const { worstCosine } = difference(vectors, golden.embeddings.flat(), golden.descriptor.embedDim!);
    expect(worstCosine).toBeGreaterThan(TOLERANCES.float16.worstCosine);
  });

  test("packed rows, with masks made by the host", async () => {
    const golden = await loadGolden("micro");
    const weights = syntheticWeights(golden.spec);
    const { files, masks } = exportOnnx(buildTextEncoder(golden.descriptor), weights);
    const packed = packRows(golden.tokens.map((ids) => ({ ids })));
    const feeds: Record<string, ortNode.Tensor> = {};
    const { parents: _parents, ...inputs } = towerInputs(packed, weights, golden.descriptor.width);
    for (const [name, { data, dtype, shape }] of Object.entries(inputs)) {
      feeds[name] = new ort.Tensor(dtype as "float32", data as Float32Array, shape) as ortNode.Tensor;
    }
    for (const { name, kind, queryRows } of masks) {
      const only = queryRows === undefined ? undefined : packed.pooled;
      const data = buildMask(kind, packed.parents!, only);
      const rows = packed.ids.length;
      feeds[name] = new ort.Tensor("float32", data, [data.length / rows, rows]) as ortNode.Tensor;
    }
    const vectors = await runOnce(ort, await bytesOf(files[0]!), feeds);
    const { maxAbs } = difference(vectors, golden.embeddings.flat(), golden.descriptor.embedDim!);
    expect(maxAbs).toBeLessThan(5e-5);
  });
});

/** A tower that no golden data is for, against the reference. */
const SMALL = {
  width: 64,
  layers: 2,
  heads: 2,
  mlpWidth: 128,
  embedDim: 16,
  contextLength: 12,
  vocabSize: 60,
  activation: "gelu_tanh",
  layerNormEpsilon: 1e-5,
  projectionBias: true,
} as const;

/** Small numbers for any tensor, by its name. */
function numbers(): WeightSource {
  return {
    read: (name, rows) => {
      const { columns, count } = sizeOf(name);
      const { begin, end }: RowRange = rows ?? { begin: 0, end: count };
      const data = Float32Array.from(
        { length: (end - begin) * columns },
        (_, i) => Math.sin((begin * columns + i + 1) * (name.length + 0.37)) * 0.2,
      );
      return Promise.resolve(tensor("float32", [end - begin, columns], data));
    },
  };
}

function sizeOf(name: string): { count: number; columns: number } {
  if (name === "token_embedding.weight") return { count: SMALL.vocabSize, columns: SMALL.width };
  const node = [...buildTextEncoder({ ...SMALL, attention: "causal" }).nodes].find(
    (each) => each.op === "weight" && each.source === name,
  );
  const shape = (node as { shape: readonly number[] }).shape;
  // Of the stacked projection a node may name a part; the source has all of it.
  const count = name.includes("in_proj") ? 3 * SMALL.width : shape[0]!;
  return { count, columns: shape[1] ?? 1 };
}

/** Token rows of ids. [ids, width] */
async function tokenRows(ids: Int32Array): Promise<Float32Array> {
  const { data } = await numbers().read("token_embedding.weight");
  const { width } = SMALL;
  return Float32Array.from(
    { length: ids.length * width },
    (_, i) => data[ids[Math.floor(i / width)]! * width + (i % width)]!,
  );
}

describe("towers of other kinds", () => {
  const prompts = [
    [50, 3, 4, 51, 0, 0, 0, 0, 0, 0, 0, 0],
    [50, 9, 51, 7, 51, 0, 0, 0, 0, 0, 0, 0], // two ends of text: the first counts
    [50, 1, 2, 3, 4, 5, 6, 7, 8, 9, 59, 51], // 59 was added after the vocabulary was made
  ];
  const ends = [3, 2, 11];

  test.each(["causal", "full"] as const)(
    "%s attention, projection with bias, first end of text",
    async (attention) => {
      const descriptor = { ...SMALL, attention };
      const graph = buildTextEncoder(descriptor);
      const sequences = prompts.map((ids, i) => ({ ids, endOfText: ends[i]! }));
      const packed =
        attention === "causal" ? packRows(sequences) : packSegments(sequences, { ...descriptor, padId: 0 });
      const executable = await reference().compile(graph, numbers());
      const indices = (data: Int32Array) => tensor("int32", [data.length], data);
      const { embedding } = await executable.run({
        tokens: tensor("float32", [packed.ids.length, SMALL.width], await tokenRows(packed.ids)),
        positions: indices(packed.positions),
        pooled: indices(packed.pooled),
        ...(packed.parents === undefined
          ? { segments: indices(packed.segments!) }
          : { parents: indices(packed.parents) }),
      });
      const text = { ...descriptor, pooling: { rule: "first", endOfText: 51 } } as const;
      const model = await bytesOf(exportTextModel(graph, numbers(), text).files[0]!);
      const { data, dims } = paddedIds(prompts, 0);
      const vectors = await runOnce(ortNode, model, { input_ids: new ortNode.Tensor("int64", data, dims) });
      const { relative } = difference(vectors, embedding!.data as Float32Array, SMALL.embedDim);
      expect(relative).toBeLessThan(TOLERANCES.float32.relative);
    },
  );
});

describe("files", () => {
  test("weights in a file of their own, at places that can be mapped", async () => {
    const golden = await loadGolden("micro");
    const exported = exportGolden(golden, { name: "text_model.onnx", externalData: true });
    expect(exported.files.map(({ name }) => name)).toEqual(["text_model.onnx", "text_model.onnx_data"]);
    expect(exported.files[0]!.byteLength).toBeLessThan(50_000);
    const path = await writeExport(exported);
    const { data, dims } = paddedIds(golden.tokens, 0);
    const feeds = { input_ids: new ortNode.Tensor("int64", data, dims) };
    const fromPath = await runOnce(ortNode, path, feeds);
    const { maxAbs } = difference(fromPath, golden.embeddings.flat(), golden.descriptor.embedDim!);
    expect(maxAbs).toBeLessThan(5e-5);
    const externalData = [{ path: "text_model.onnx_data", data: await bytesOf(exported.files[1]!) }];
    const model = await bytesOf(exported.files[0]!);
    const web = { input_ids: new ortWeb.Tensor("int64", data, dims) as ortNode.Tensor };
    const fromMemory = await runOnce(ortWeb, model, web, { externalData });
    expect(difference(fromMemory, golden.embeddings.flat(), golden.descriptor.embedDim!).maxAbs).toBeLessThan(
      5e-5,
    );
  });

  test("bigG, of more than 2 GiB, takes two files; its weights are read in pieces of some MiB", async () => {
    const bigG = {
      ...SMALL,
      ...{ width: 1280, layers: 32, heads: 20, mlpWidth: 5120, embedDim: 1280, vocabSize: 49408 },
      projectionBias: false,
      attention: "causal",
    } as const;
    let largest = 0;
    const source: WeightSource = {
      read: (_, rows) => {
        const length = rows!.end - rows!.begin;
        largest = Math.max(largest, length * 1280);
        return Promise.resolve(tensor("float32", [length, 1280], new Float32Array(length * 1280)));
      },
    };
    const text = { ...bigG, pooling: { rule: "argmax", endOfText: 49407 } } as const;
    const { files } = exportTextModel(buildTextEncoder(bigG), source, text);
    expect(files.map(({ name }) => name)).toEqual(["model.onnx", "model.onnx_data"]);
    expect(files[1]!.byteLength).toBeGreaterThan(2 ** 31);
    let pieces = 0;
    for await (const piece of files[1]!.pieces()) {
      expect(piece.byteLength).toBeLessThanOrEqual(4 * 2 ** 20);
      if (++pieces === 20) break;
    }
    expect(largest).toBeLessThanOrEqual(2 ** 20);
  });

  test("an abort ends the writing with its reason", async () => {
    const { files } = exportGolden(await loadGolden("micro"));
    const controller = new AbortController();
    controller.abort(new RangeError("stop"));
    const writing = async (): Promise<void> => {
      for await (const _ of files[0]!.pieces(controller.signal));
    };
    await expect(writing()).rejects.toThrow("stop");
  });
});

describe("refuses", () => {
  const pooling = { rule: "argmax", endOfText: 59 } as const;
  const causal = { ...SMALL, attention: "causal" } as const;

  test("int8", () => {
    const graph = buildTextEncoder(causal);
    const precision = "int8";
    const message = /^export\w+: expected precision float32 or float16, got int8$/;
    expect(() => exportOnnx(graph, numbers(), { precision })).toThrow(message);
    expect(() => exportTextModel(graph, numbers(), { ...causal, pooling }, { precision })).toThrow(message);
  });

  test("graphs that are no text tower, or have no embedding", () => {
    const g = new GraphBuilder();
    const other = g.build({ y: g.linear(g.input("x", "float32", ["rows", 2]), g.weight("w", [3, 2])) });
    const text = { ...causal, pooling };
    expect(() => exportTextModel(other, numbers(), text)).toThrow(/inputs tokens, .* got x$/);
    const past = buildTextEncoder(causal, { past: true });
    expect(() => exportTextModel(past, numbers(), text)).toThrow(/got (keyRows|past\.0|pooledKeys)/);
    const last = buildTextEncoder(causal, { outputs: ["last"] });
    expect(() => exportTextModel(last, numbers(), text)).toThrow("expected the output embedding, got last");
  });

  test("weights of another size, and elements that float16 cannot hold", async () => {
    const graph = buildTextEncoder(causal);
    const text = { ...causal, pooling };
    const short: WeightSource = { read: () => Promise.resolve(tensor("float32", [1], new Float32Array(1))) };
    await expect(bytesOf(exportTextModel(graph, short, text).files[0]!)).rejects.toMatchObject({
      name: "UnsupportedError",
    });
    const large: WeightSource = {
      read: async (name, rows) => {
        const stored = await numbers().read(name, rows);
        (stored.data as Float32Array).fill(70_000);
        return stored;
      },
    };
    const file = exportTextModel(graph, large, text, { precision: "float16" }).files[0]!;
    await expect(bytesOf(file)).rejects.toThrow(/that float16 can hold, got 70000$/);
  });
});
