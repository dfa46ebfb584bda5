/** Checkpoint files in every naming scheme and dtype, through the facade, against the original implementation. */
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reference } from "@textower/backend-reference";
import { onnx } from "@textower/backend-onnx";
import { difference, GOLDEN_TOLERANCE, loadGolden, syntheticValues } from "@textower/conformance";
import type { Golden } from "@textower/conformance";
import { numberToFloat16, tensor } from "@textower/graph";
import type { Tensor } from "@textower/graph";
import { clipVocabulary, createTokenizer, vocabularyFromTokenizerJson } from "@textower/tokenizer";
import { writeSafetensors } from "@textower/weights";

import * as ort from "onnxruntime-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { createTextEncoder } from "../src/index.js";
import type { TextEncoderOptions } from "../src/index.js";

const backends = { reference: reference(), onnx: onnx({ ort }) };
const own = new URL("../../weights/test/golden/", import.meta.url);
const shared = new URL("../../../../shared/golden/", import.meta.url);

/** Files with 49,408 token rows are too large to be kept here; they are tested where they lie beside the repository. */
const files = [
  { file: "micro.openai.safetensors", at: own, golden: "micro", field: "embeddings" },
  { file: "micro.hf.safetensors", at: own, golden: "micro", field: "embeddings" },
  { file: "micro.hf.bf16.safetensors", at: own, golden: "micro", field: "embeddingsFromBf16File" },
  { file: "micro.pt", at: own, golden: "micro", field: "embeddings" },
  { file: "micro.jit.pt", at: own, golden: "micro", field: "embeddingsFromF16File" },
  { file: "micro.legacy.pt", at: own, golden: "micro", field: "embeddings" }, // micro.pt, saved as before PyTorch 1.6
  { file: "tiny.pt", at: shared, golden: "tiny", field: "embeddingsFromFiles" },
  { file: "tiny.jit.pt", at: shared, golden: "tiny", field: "embeddingsFromFiles" },
  { file: "tiny.openai.safetensors", at: shared, golden: "tiny", field: "embeddingsFromFiles" },
  { file: "tiny.hf.safetensors", at: shared, golden: "tiny", field: "embeddingsFromFiles" },
] as const;

describe.each(Object.entries(backends))("on %s", (_, backend) => {
  for (const { file, at, golden: name, field } of files) {
    const path = new URL(file, at).pathname;
    const absent = existsSync(path) ? "" : " (skipped: the file is not beside the repository)";
    test.skipIf(absent !== "")(`${file} gives its embeddings${absent}`, async () => {
      await expectEmbeddings(await loadGolden(name), field, { model: path, backend });
    });
  }

  test("float16 weights made by the rule give the embeddings of such files", async () => {
    const golden = await loadGolden("tiny");
    const model = Buffer.from(writeSafetensors(roundedTensors(golden)));
    await expectEmbeddings(golden, "embeddingsFromFiles", { model, backend });
  });
});

async function expectEmbeddings(
  golden: Golden,
  field: string,
  options: Pick<TextEncoderOptions, "model" | "backend">,
): Promise<void> {
  const expected = field === "embeddings" ? golden.embeddings : golden.fromFiles[field]!;
  const tokenizer = golden.prompts === null ? { tokenizer: createTokenizer() } : {};
  await using encoder = await createTextEncoder({ ...options, activation: "quick_gelu", ...tokenizer });
  const prompts = golden.prompts ?? golden.tokens.map((ids) => ({ ids }));
  const { data } = await encoder.encode(prompts, { normalize: false, longText: "truncate" });
  const { maxAbs } = difference(data, expected.flat(), golden.descriptor.embedDim!);
  expect(maxAbs).toBeLessThanOrEqual(GOLDEN_TOLERANCE);
}

/** The tiny checkpoint in OpenAI's names: position embedding and norms in float32, everything else in float16. */
function roundedTensors({ spec, descriptor }: Golden): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  for (const [pattern, entry] of Object.entries(spec)) {
    const names = pattern.includes("*")
      ? Array.from({ length: descriptor.layers }, (_, layer) => pattern.replace("*", String(layer)))
      : [pattern];
    for (const name of names) {
      const values = syntheticValues(
        name,
        entry,
        0,
        entry.shape.reduce((a, b) => a * b),
      );
      const wide = name === "positional_embedding" || /(^|\.)ln_/.test(name);
      tensors[name] = wide
        ? tensor("float32", entry.shape, values)
        : tensor("float16", entry.shape, Uint16Array.from(values, numberToFloat16));
    }
  }
  return tensors;
}

describe("a checkpoint of a vocabulary of its own", () => {
  /** CLIP's bytes, its first merges, and the two special tokens: the 1,024 tokens of micro. */
  function tokenizerJson(size: number): string {
    const { left, right } = clipVocabulary();
    const tokenizer = createTokenizer();
    const pieces = tokenizer.pieces(Array.from({ length: size - 2 }, (_, id) => id));
    const content = [...pieces, "<|startoftext|>", "<|endoftext|>"];
    const merges = Array.from({ length: size - 514 }, (_, i) => [pieces[left[i]!]!, pieces[right[i]!]!]);
    const vocab = Object.fromEntries(content.map((piece, id) => [piece, id]));
    return JSON.stringify({ model: { type: "BPE", end_of_word_suffix: "</w>", vocab, merges } });
  }

  async function open(size: number | undefined): Promise<Awaited<ReturnType<typeof createTextEncoder>>> {
    const directory = await mkdtemp(join(tmpdir(), "textower-vocabulary-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    await copyFile(new URL("micro.hf.safetensors", own), join(directory, "model.safetensors"));
    if (size !== undefined) await writeFile(join(directory, "tokenizer.json"), tokenizerJson(size));
    return createTextEncoder({ model: directory, backend: backends.reference, activation: "quick_gelu" });
  }

  test("is read with the tokenizer.json beside it", async () => {
    await using encoder = await open(1024);
    const vocabulary = vocabularyFromTokenizerJson(tokenizerJson(1024));
    const { ids } = createTokenizer({ vocabulary }).encode("a photo of a cat");
    expect(ids.length).toBeGreaterThan(7);
    expect(ids.at(-1)).toBe(1023);
    const { data } = await encoder.encode(["a photo of a cat", { ids }]);
    expect(data.subarray(0, 32)).toEqual(data.subarray(32));
  });

  test("is refused without one, and with one that has more tokens", async () => {
    await expect(open(undefined)).rejects.toThrow(/got 1024: pass its tokenizer/);
    await expect(open(1025)).rejects.toThrow(
      /at most the checkpoint's 1024 tokens in tokenizer.json, got 1025/,
    );
  });
});
