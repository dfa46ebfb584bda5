import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { clipVocabulary, vocabularyFromTokenizerJson } from "@textower/tokenizer";
import { describe, expect, test } from "vitest";
import { lines, relativeDifference, scratch, textower } from "./command.js";
import type { EncodeLine } from "./command.js";

const MICRO = fileURLToPath(new URL("../../weights/test/golden/micro.openai.safetensors", import.meta.url));

interface Report {
  readonly bytes: number;
  readonly textBytes: number;
  readonly prompts?: number;
  readonly meanCosine?: number;
  readonly worstCosine?: number;
}

async function convert(
  source: string,
  precision: string,
  ...more: string[]
): Promise<{ out: string; report: Report }> {
  const out = join(scratch(), "converted");
  const args = ["convert", source, "--precision", precision, "--out", out, "--format", "jsonl", ...more];
  const { code, text, stderr } = await textower(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return { out, report: lines<Report>(text)[0]! };
}

async function encode(model: string): Promise<readonly number[]> {
  const { code, text } = await textower(["encode", "--model", model, "--format", "jsonl", "a red circle"]);
  expect(code).toBe(0);
  return lines<EncodeLine>(text)[0]!.embedding;
}

describe("the shapes model", () => {
  // int8: a half step of 1/127 in every element, averaged out over rows of 128 and more.
  test.each([
    ["float32", 1 - 1e-6, 1e-5],
    ["float16", 0.99999, 0.01],
    ["int8", 0.995, 0.1],
  ] as const)("in %s", async (precision, cosine, off) => {
    const { out, report } = await convert("shapes", precision);
    expect(report.bytes).toBe(statSync(join(out, "model.safetensors")).size);
    expect(report.prompts).toBeGreaterThan(16);
    expect(report.worstCosine!).toBeGreaterThan(cosine);
    expect(report.meanCosine!).toBeGreaterThanOrEqual(report.worstCosine!);
    expect(relativeDifference(await encode(out), await encode("shapes"))).toBeLessThan(off);
  });

  test("comes with CLIP's vocabulary", async () => {
    const { out } = await convert("shapes", "int8");
    const read = vocabularyFromTokenizerJson(readFileSync(join(out, "tokenizer.json"), "utf8"));
    const { cleaning, ...vocabulary } = read;
    expect(cleaning).toBe("huggingface");
    expect(vocabulary).toEqual(clipVocabulary());
  });
});

test("a checkpoint of another vocabulary is converted, and nothing is said of vectors", async () => {
  const { report } = await convert(MICRO, "int8", "--activation", "quick_gelu");
  expect(report.worstCosine).toBeUndefined();
  expect(report.bytes).toBeLessThan(report.textBytes / 3);
});

test("needs a precision and a directory", async () => {
  expect((await textower(["convert", "shapes", "--out", "x"])).code).toBe(2);
  expect((await textower(["convert", "shapes", "--precision", "int8"])).code).toBe(2);
  expect((await textower(["convert", "shapes", "--precision", "int4", "--out", "x"])).code).toBe(2);
});
