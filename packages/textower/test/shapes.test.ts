/**
 * What the shapes model's README says it can do, measured again through the facade: held-out combinations and
 * phrasings, and short queries on the gallery. The figures are the same on every backend and in every precision, to
 * within a hundredth.
 */
import { readFileSync } from "node:fs";
import { onnx } from "@textower/backend-onnx";
import { reference } from "@textower/backend-reference";
import { wasm } from "@textower/backend-wasm";
import { expectClose, TOLERANCES } from "@textower/conformance";
import { shapesModel } from "@textower/model-shapes";
import { fileSource, openTensorFile, readTensor } from "@textower/weights";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTextEncoder, similarity } from "../src/index.js";
import type { ClipTextEncoder } from "../src/index.js";

interface ZeroShotSet {
  readonly classes: readonly string[];
  readonly templates: readonly string[];
  /** Indices of pictures, and the index of each one's class. */
  readonly images: readonly number[];
  readonly labels: readonly number[];
}

interface Evaluation {
  readonly figures: {
    readonly recallAt1: number;
    readonly zeroShotShape: number;
    readonly zeroShotColor: number;
  };
  readonly retrieval: { readonly texts: readonly string[]; readonly images: readonly number[] };
  readonly zeroShot: { readonly shape: ZeroShotSet; readonly color: ZeroShotSet };
  readonly shortQueries: readonly { readonly text: string; readonly images: readonly number[] }[];
}

const data = new URL("../../model-shapes/test/data/", import.meta.url);
const evaluation = JSON.parse(readFileSync(new URL("evaluation.json", data), "utf8")) as Evaluation;
const exact = await createTextEncoder({ model: "shapes", backend: reference() });
const { data: expected } = await exact.encode(evaluation.retrieval.texts);
await exact.dispose();
const pictures = await imageEmbeddings(new URL("evaluation.safetensors", data));

async function imageEmbeddings(url: URL): Promise<Float32Array[]> {
  const file = await openTensorFile(await fileSource(url));
  const { data: values, shape } = await readTensor(file, "image_embeddings");
  await file.close();
  const width = shape[1]!;
  return Array.from({ length: shape[0]! }, (_, i) =>
    (values as Float32Array).subarray(i * width, (i + 1) * width),
  );
}

function best(scores: Float32Array): number {
  return scores.indexOf(Math.max(...scores));
}

describe.each([
  [onnx({ ort }), "float32"],
  [wasm(), "float32"],
  [wasm(), "float16"],
  [wasm(), "int8"],
] as const)("$0.name, $1", (backend, precision) => {
  let encoder: ClipTextEncoder;
  beforeAll(async () => {
    encoder = await createTextEncoder({ model: "shapes", backend, precision });
  });
  afterAll(() => encoder.dispose());

  test("text → picture, recall@1 on held-out combinations and phrasings", async () => {
    const { texts, images } = evaluation.retrieval;
    expect(new Set(images).size).toBeGreaterThanOrEqual(200);
    const { embeddings } = await encoder.encode(texts);
    const found = similarity(embeddings, pictures).filter((scores, i) => best(scores) === images[i]).length;
    expect(found / texts.length).toBeGreaterThanOrEqual(0.9);
    expect(found / texts.length).toBeCloseTo(evaluation.figures.recallAt1, 2);
  });

  test.each([
    ["shape", "zeroShotShape"],
    ["color", "zeroShotColor"],
  ] as const)("zero-shot accuracy by %s on held-out combinations", async (name, figure) => {
    const { classes, templates, images, labels } = evaluation.zeroShot[name];
    // The mean of each class's normalised prompts; similarity normalises it again.
    const heads = await Promise.all(
      classes.map(async (label) => {
        const { embeddings } = await encoder.encode(
          templates.map((template) => template.replace("{}", label)),
        );
        return embeddings[0]!.map((_, i) => embeddings.reduce((sum, embedding) => sum + embedding[i]!, 0));
      }),
    );
    const scores = similarity(
      images.map((image) => pictures[image]!),
      heads,
    );
    const right = scores.filter((row, i) => best(row) === labels[i]).length;
    expect(right / labels.length).toBeGreaterThanOrEqual(0.95);
    expect(right / labels.length).toBeCloseTo(evaluation.figures[figure], 2);
  });

  test("short queries find such a picture in the gallery first", async () => {
    const gallery = await imageEmbeddings(shapesModel.galleryEmbeddings);
    const { embeddings } = await encoder.encode(evaluation.shortQueries.map(({ text }) => text));
    const hits = similarity(embeddings, gallery).filter((scores, i) =>
      evaluation.shortQueries[i]!.images.includes(best(scores)),
    ).length;
    expect(hits / evaluation.shortQueries.length).toBeGreaterThanOrEqual(0.95);
  });

  test("vectors are as near to those of float32 as the precision promises", async () => {
    const { data: actual, embeddings } = await encoder.encode(evaluation.retrieval.texts);
    expectClose("shapes", actual, expected, embeddings[0]!.length, TOLERANCES[precision]);
  });
});
