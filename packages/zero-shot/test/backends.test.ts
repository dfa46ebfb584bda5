/**
 * The gallery's figures on every backend that Node has: zero-shot by shape and by colour, and pictures found by their captions.
 * They are equal, picture by picture.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import * as tf from "@tensorflow/tfjs-core";
import { onnx } from "@textower/backend-onnx";
import { reference } from "@textower/backend-reference";
import { tfjs } from "@textower/backend-tfjs";
import { wasm } from "@textower/backend-wasm";
import { webgpu } from "@textower/backend-webgpu";
import { shapesModel } from "@textower/model-shapes";
import type { GalleryEntry } from "@textower/model-shapes";
import { bufferSource, openSafetensors, readTensor } from "@textower/weights";
import * as ort from "onnxruntime-node";
import { createTextEncoder, similarity } from "textower";
import type { TextEncoderOptions } from "textower";
import { beforeAll, expect, test } from "vitest";
import { create, globals } from "webgpu";
import { buildZeroShotHead } from "../src/index.js";

// Importing them is what registers them.
await Promise.all([import("@tensorflow/tfjs-backend-cpu"), import("@tensorflow/tfjs-backend-wasm")]);

type Backend = Exclude<TextEncoderOptions["backend"], string | undefined>;

/** A software driver, as Debian's package installs it. Compiling its shaders takes up to a minute, so that only CI waits for it. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";
const inCi = process.env["CI"] === "true";

const gallery = JSON.parse(readFileSync(shapesModel.gallery, "utf8")) as GalleryEntry[];
/** Pictures of one shape. */
const lone = gallery.flatMap(({ shape }, i) => (shape === null ? [] : [i]));
/** every tenth caption: the reference backend takes its time. */
const captioned = gallery.flatMap((_, i) => (i % 10 === 0 ? [i] : []));
let pictures: Float32Array[] = [];

/** What a backend makes of the gallery. */
interface Figures {
  /** Shape of each lone picture, and its colour. */
  readonly shapes: readonly string[];
  readonly colors: readonly string[];
  /** Five nearest pictures of each caption. */
  readonly found: readonly (readonly number[])[];
}
let expected: Figures;

async function figuresOf(backend: Backend): Promise<Figures> {
  await using encoder = await createTextEncoder({ model: "shapes", backend });
  const classify = async (key: "shape" | "color", template: string): Promise<string[]> => {
    const classes = [...new Set(lone.map((i) => gallery[i]![key]!))].sort();
    const head = await buildZeroShotHead(encoder, {
      classes,
      templates: [template, `a photo of ${template}`],
    });
    return head
      .classify(
        lone.map((i) => pictures[i]!),
        { topK: 1 },
      )
      .map(([best]) => best!.label);
  };
  const shapes = await classify("shape", "a {}");
  const colors = await classify("color", "a {} shape");
  const { embeddings } = await encoder.encode(captioned.map((i) => gallery[i]!.caption));
  const found = similarity(embeddings, pictures).map((scores) =>
    Array.from(scores.keys())
      .sort((a, b) => scores[b]! - scores[a]!)
      .slice(0, 5),
  );
  return { shapes, colors, found };
}

beforeAll(async () => {
  const file = await openSafetensors(bufferSource(await readFile(shapesModel.galleryEmbeddings)));
  const { data, shape } = await readTensor(file, "image_embeddings");
  const width = shape[1]!;
  pictures = gallery.map((_, i) => (data as Float32Array).slice(i * width, (i + 1) * width));
  expected = await figuresOf(reference());
});

test("the reference backend's are as good as they should be", () => {
  const share = (right: readonly boolean[]): number => right.filter(Boolean).length / right.length;
  expect(lone.length).toBeGreaterThan(100);
  expect(share(lone.map((i, at) => expected.shapes[at] === gallery[i]!.shape))).toBeGreaterThan(0.9);
  expect(share(lone.map((i, at) => expected.colors[at] === gallery[i]!.color))).toBeGreaterThan(0.9);
  expect(share(captioned.map((i, at) => expected.found[at]![0] === i))).toBeGreaterThan(0.8);
  expect(share(captioned.map((i, at) => expected.found[at]!.includes(i)))).toBeGreaterThan(0.95);
});

const backends: Record<string, () => Promise<Backend> | Backend> = {
  wasm: () => wasm({ threads: 1 }),
  onnx: () => onnx({ ort }),
  "tfjs on cpu": async () => ((await tf.setBackend("cpu")) ? tfjs({ tf }) : fail()),
  "tfjs on wasm": async () => ((await tf.setBackend("wasm")) ? tfjs({ tf }) : fail()),
};

function fail(): never {
  throw new Error("expected the tfjs backend to start");
}

test.each(Object.keys(backends))("%s gives the same figures", async (name) => {
  expect(await figuresOf(await backends[name]!())).toEqual(expected);
});

const title = "webgpu on SwiftShader gives the same figures";
test.skipIf(!inCi)(inCi ? title : `${title} (skipped: slow, set CI=true)`, async () => {
  process.env["VK_ICD_FILENAMES"] = SWIFTSHADER;
  Object.assign(globalThis, globals);
  const gpu = create([]);
  expect(await figuresOf(webgpu({ gpu }))).toEqual(expected);
});
