/** Checkpoint files in every naming scheme and dtype, through the facade, against the original implementation. */
import { existsSync } from "node:fs";
import { reference } from "@textower/backend-reference";
import { onnx } from "@textower/backend-onnx";
import { difference, GOLDEN_TOLERANCE, loadGolden, syntheticValues } from "@textower/conformance";
import type { Golden } from "@textower/conformance";
import { numberToFloat16, tensor } from "@textower/graph";
import type { Tensor } from "@textower/graph";
import { createTokenizer } from "@textower/tokenizer";
import { writeSafetensors } from "@textower/weights";

import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
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
  const { data } = await encoder.encode(prompts, { normalize: false, truncate: true });
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
