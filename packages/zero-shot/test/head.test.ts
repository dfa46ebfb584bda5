/** Heads on real parts: the shapes model and its gallery, on several backends; files; what is refused. */
import { readFile } from "node:fs/promises";
import { onnx } from "@textower/backend-onnx";
import { reference } from "@textower/backend-reference";
import { wasm } from "@textower/backend-wasm";
import { shapesModel } from "@textower/model-shapes";
import type { GalleryEntry } from "@textower/model-shapes";
import { bufferSource, openSafetensors, readTensor, writeSafetensors } from "@textower/weights";
import * as ort from "onnxruntime-node";
import { createTextEncoder } from "textower";
import type { ClipTextEncoder } from "textower";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildZeroShotHead, readZeroShotHead, writeZeroShotHead, ZeroShotHead } from "../src/index.js";

const SHAPES = [
  "circle",
  "square",
  "triangle",
  "star",
  "heart",
  "diamond",
  "cross",
  "ring",
  "crescent",
  "arrow",
];
const TEMPLATES = ["a {}", "a photo of a {}", "a small {}", "the {} is a {}"];

const backends = { reference: reference(), wasm: wasm({ threads: 1 }), onnx: onnx({ ort }) };
const encoders = new Map<string, ClipTextEncoder>();
let images: Float32Array[] = [];
let labels: string[] = [];
beforeAll(async () => {
  for (const [name, backend] of Object.entries(backends)) {
    encoders.set(name, await createTextEncoder({ model: "shapes", backend }));
  }
  const gallery = JSON.parse(await readFile(shapesModel.gallery, "utf8")) as GalleryEntry[];
  const file = await openSafetensors(bufferSource(await readFile(shapesModel.galleryEmbeddings)));
  const { data, shape } = await readTensor(file, "image_embeddings");
  const width = shape[1]!;
  const lone = gallery.flatMap(({ shape }, i) => (shape === null ? [] : [i]));
  images = lone.map((i) => (data as Float32Array).slice(i * width, (i + 1) * width));
  labels = lone.map((i) => gallery[i]!.shape!);
});
afterAll(async () => {
  for (const encoder of encoders.values()) await encoder.dispose();
});

test("a class's vector is the mean of its prompts' vectors, at length 1", async () => {
  const encoder = encoders.get("reference")!;
  const head = await buildZeroShotHead(encoder, { classes: ["ring", "red star"], templates: TEMPLATES });
  for (const [index, name] of ["ring", "red star"].entries()) {
    const mean = new Float64Array(128);
    for (const template of TEMPLATES) {
      const { embeddings } = await encoder.encode(template.replaceAll("{}", name));
      embeddings[0]!.forEach((value, i) => (mean[i]! += value));
    }
    const length = Math.hypot(...mean);
    mean.forEach((value, i) => expect(head.weights[index * 128 + i]).toBeCloseTo(value / length, 6));
  }
  const { prompts, tokens, rows, paddedRows } = head.cost!;
  expect([prompts, paddedRows]).toEqual([8, 8 * 77]);
  expect(rows).toBeLessThan(tokens);
});

describe("the shapes gallery", () => {
  const classified = async (name: string) => {
    const head = await buildZeroShotHead(encoders.get(name)!, { classes: SHAPES, templates: TEMPLATES });
    return head.classify(images, { topK: 3 });
  };

  test("is classified alike on every backend, and mostly right", async () => {
    const expected = await classified("reference");
    const right = expected.filter(([best], i) => best!.label === labels[i]).length;
    expect(right / images.length).toBeGreaterThan(0.8);
    for (const name of ["wasm", "onnx"]) {
      const predictions = await classified(name);
      predictions.forEach((some, i) =>
        some.forEach(({ label, probability }, at) => {
          expect(label).toBe(expected[i]![at]!.label);
          expect(probability).toBeCloseTo(expected[i]![at]!.probability, 3);
        }),
      );
    }
  });

  test("probabilities are the softmax of all classes, with the checkpoint's temperature", async () => {
    const encoder = encoders.get("wasm")!;
    const head = await buildZeroShotHead(encoder, { classes: SHAPES, templates: ["a {}"] });
    const [all] = head.classify(images.slice(0, 1), { topK: 10 });
    expect(all!.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 10);
    const [first, second] = all!;
    const ratio = Math.exp(Math.exp(encoder.logitScale!) * (first!.similarity - second!.similarity));
    expect(first!.probability / second!.probability).toBeCloseTo(ratio, 5);
  });
});

test("progress counts every prompt; a signal stops it", async () => {
  const encoder = encoders.get("wasm")!;
  const classes = Array.from({ length: 700 }, (_, i) => `number ${i}`);
  const seen: number[] = [];
  const controller = new AbortController();
  const building = buildZeroShotHead(encoder, {
    classes,
    signal: controller.signal,
    onProgress: ({ done, total }) => {
      expect(total).toBe(5600);
      if (seen.push(done) === 1) controller.abort();
    },
  });
  await expect(building).rejects.toMatchObject({ name: "AbortError" });
  expect(seen).toEqual([4096]);
});

describe("a file", () => {
  test("gives back the same head", async () => {
    const head = await buildZeroShotHead(encoders.get("wasm")!, {
      classes: ["été", "星"],
      checkpoint: "mine",
    });
    const bytes = writeZeroShotHead(head);
    const again = await readZeroShotHead(bytes);
    for (const key of ["checkpoint", "classes", "templates", "logitScale", "embedDim", "weights"] as const) {
      expect(again[key]).toEqual(key === "logitScale" ? Math.fround(head.logitScale) : head[key]);
    }
    expect(bytes.length).toBeLessThan(3000);
  });

  test("that holds none is refused by name", async () => {
    const weights = { dtype: "F32", shape: [1, 2], data: Float32Array.of(1, 0) } as const;
    const scale = { dtype: "F32", shape: [], data: Float32Array.of(4) } as const;
    const metadata = {
      format: "textower.zero-shot-head.1",
      checkpoint: "x",
      classes: '["a"]',
      templates: '["{}"]',
    };
    const file = (tensors: Record<string, typeof weights | typeof scale>, changes: Record<string, string>) =>
      readZeroShotHead(writeSafetensors(tensors, { ...metadata, ...changes }));
    await expect(file({ weights, logit_scale: scale }, {})).resolves.toBeInstanceOf(ZeroShotHead);
    for (const broken of [
      file({ weights, logit_scale: scale }, { format: "something" }),
      file({ weights, logit_scale: scale }, { classes: "a" }),
      file({ weights, logit_scale: scale }, { classes: '["a", "b"]' }),
      file({ weights, logit_scale: scale }, { templates: "[7]" }),
      file({ weights }, {}),
      file({ weights: { ...weights, data: Float32Array.of(2, 0) }, logit_scale: scale }, {}),
      file({ weights: { ...weights, data: Float32Array.of(NaN, 0) }, logit_scale: scale }, {}),
    ]) {
      await expect(broken).rejects.toMatchObject({ name: "ZeroShotError", code: "bad-file" });
    }
    await expect(readZeroShotHead(new Uint8Array(20))).rejects.toMatchObject({ name: "SafetensorsError" });
  });
});

describe("refused", () => {
  test("are images of another width, another checkpoint, or without direction", async () => {
    const head = await buildZeroShotHead(encoders.get("wasm")!, { classes: ["a"], checkpoint: "mine" });
    const refusal = (images: number[][], options: Parameters<ZeroShotHead["classify"]>[1], code: string) =>
      expect(() => head.classify(images, options)).toThrow(
        expect.objectContaining({ name: "ZeroShotError", code }),
      );
    const image = Array.from({ length: 128 }, () => 1);
    refusal([[1, 2]], {}, "width");
    refusal([image], { checkpoint: "another" }, "checkpoint");
    refusal([image.map(() => 0)], {}, "bad-vector");
    refusal([image.map(() => NaN)], {}, "bad-vector");
    expect(() => head.classify([image], { topK: 0 })).toThrow(RangeError);
  });

  test("are no classes, templates without a place, a checkpoint without temperature", async () => {
    const encoder = encoders.get("wasm")!;
    for (const options of [
      { classes: [] },
      { classes: ["a", " "] },
      { classes: ["a"], templates: [] },
      { classes: ["a"], templates: ["a photo"] },
    ]) {
      await expect(buildZeroShotHead(encoder, options)).rejects.toBeInstanceOf(TypeError);
    }
    const cold = { info: encoder.info, tokenizer: encoder.tokenizer, encode: encoder.encode.bind(encoder) };
    await expect(buildZeroShotHead(cold, { classes: ["a"] })).rejects.toMatchObject({ code: "logit-scale" });
    await expect(buildZeroShotHead(encoder, { classes: ["dog ".repeat(90)] })).rejects.toMatchObject({
      name: "TextTooLongError",
    });
  });
});
