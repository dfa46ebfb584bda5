/** Exports, loaded by transformers.js as its users load a model, tokenizer included. */
import { existsSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadGolden, syntheticValues } from "@textower/conformance";
import { tensor } from "@textower/graph";
import type { Tensor } from "@textower/graph";
import { writeSafetensors } from "@textower/weights";
import { AutoTokenizer, CLIPTextModelWithProjection, env } from "@huggingface/transformers";
import { describe, expect, test } from "vitest";
import { lines, relativeDifference, scratch, textower } from "./command.js";
import type { EncodeLine } from "./command.js";

const MICRO = fileURLToPath(new URL("../../weights/test/golden/micro.openai.safetensors", import.meta.url));
const tiny = await loadGolden("tiny");
const prompts = tiny.prompts!;

interface Report {
  readonly files: readonly string[];
  readonly bytes: number;
}

async function exported(...args: string[]): Promise<{ out: string; report: Report }> {
  const out = join(scratch(), "exported");
  const { code, text, stderr } = await textower(["export-onnx", ...args, "--out", out, "--format", "jsonl"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return { out, report: lines<Report>(text)[0]! };
}

/** What transformers.js makes of texts: its tokenizer, its padding, its model. [texts][embedDim] */
async function peerVectors(
  out: string,
  texts: readonly string[],
  dtype: "fp32" | "fp16",
): Promise<number[][]> {
  env.allowRemoteModels = false;
  env.localModelPath = dirname(out);
  const tokenizer = await AutoTokenizer.from_pretrained(basename(out));
  const model = await CLIPTextModelWithProjection.from_pretrained(basename(out), { dtype });
  try {
    const inputs = tokenizer([...texts], { padding: true, truncation: true });
    const { text_embeds } = (await model(inputs)) as { text_embeds: { tolist(): number[][] } };
    return text_embeds.tolist();
  } finally {
    await model.dispose();
  }
}

/** The tiny golden tower as a checkpoint. @returns its path */
async function tinyCheckpoint(): Promise<string> {
  const tensors: Record<string, Tensor> = {};
  const names = Object.keys(tiny.spec).flatMap((name) =>
    name.includes("*")
      ? Array.from({ length: tiny.descriptor.layers }, (_, layer) => name.replace("*", `${layer}`))
      : [name],
  );
  for (const name of names) {
    const entry = tiny.spec[name.replace(/resblocks\.\d+/, "resblocks.*")]!;
    const count = entry.shape.reduce((product, size) => product * size, 1);
    tensors[name] = tensor("float32", entry.shape, syntheticValues(name, entry, 0, count));
  }
  const path = join(scratch(), "tiny.safetensors");
  writeFileSync(path, writeSafetensors(tensors));
  return path;
}

/** Texts that the published tokenizer and the original one read alike: no entities, nothing that ftfy changes. */
const plain = prompts.flatMap((text, i) =>
  /^[\x20-\x7e]*$/.test(text) && !/[&<]/.test(text) && text.length < 200 ? [i] : [],
);

describe("transformers.js", () => {
  test("gives the golden vectors, in a ragged batch", async () => {
    const { out, report } = await exported(await tinyCheckpoint(), "--activation", "quick_gelu");
    expect(report.files).toEqual(["onnx/text_model.onnx"]);
    expect(report.bytes).toBe(statSync(join(out, "onnx/text_model.onnx")).size);
    expect(plain.length).toBeGreaterThan(5);
    const texts = plain.map((i) => prompts[i]!);
    const vectors = await peerVectors(out, texts, "fp32");
    vectors.forEach((vector, i) => {
      expect(relativeDifference(vector, tiny.embeddings[plain[i]!]!)).toBeLessThan(2e-5);
    });
  });

  test("takes float16 by its own name for it", async () => {
    const { out, report } = await exported("shapes", "--precision", "float16");
    expect(report.files).toEqual(["onnx/text_model_fp16.onnx"]);
    const texts = ["a red circle", "a large blue star in the bottom right corner"];
    const args = ["encode", "--no-normalize", "--format", "jsonl", ...texts];
    const ours = lines<EncodeLine>((await textower(args)).text);
    const vectors = await peerVectors(out, texts, "fp16");
    vectors.forEach((vector, i) => {
      const { embedding } = ours[i]!;
      const dot = vector.reduce((sum, value, at) => sum + value * embedding[at]!, 0);
      expect(dot / (Math.hypot(...vector) * Math.hypot(...embedding))).toBeGreaterThan(0.9999);
    });
  });
});

test("another vocabulary: a model without tokenizer, and it says so", async () => {
  const out = join(scratch(), "exported");
  const { code, text } = await textower(["export-onnx", MICRO, "--activation", "quick_gelu", "--out", out]);
  expect(code).toBe(0);
  expect(text).toContain("none: the vocabulary is not CLIP's own");
  expect(existsSync(join(out, "onnx/text_model.onnx"))).toBe(true);
  expect(existsSync(join(out, "tokenizer.json"))).toBe(false);
});

test("needs a directory, and a precision that it has", async () => {
  expect((await textower(["export-onnx", "shapes"])).code).toBe(2);
  expect((await textower(["export-onnx", "shapes", "--out", "x", "--precision", "int8"])).code).toBe(2);
});
