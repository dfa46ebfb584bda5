/** Larger golden files with the whole vocabulary, which are not in this repository: skipped where they are missing. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { float16ToNumber, numberToFloat16 } from "@textower/graph";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../src/index.js";
import { expectedTensors, expectSame } from "./golden.js";

const directory = fileURLToPath(new URL("../../../../shared/golden/", import.meta.url));

describe.each([
  ["tiny.openai.safetensors", (name: string) => !/ln_|positional/.test(name)],
  ["tiny.hf.safetensors", (name: string) => name === "token_embedding.weight"],
])("%s", (file, isFloat16) => {
  const path = directory + file;

  it("gives every tensor, exactly", async ({ skip }) => {
    if (!existsSync(path)) skip(`no ${path}`);
    const checkpoint = await openCheckpoint(path, { activation: "quick_gelu" });
    expect(checkpoint.descriptor).toMatchObject({
      width: 64,
      layers: 4,
      heads: 1,
      embedDim: 32,
      vocabSize: 49408,
    });
    expect(checkpoint.descriptor.pooling).toEqual({ rule: "argmax", endOfText: 49407 });
    for (const [name, expected] of expectedTensors("tiny")) {
      // In all files the values are rounded to float16, but for norms and positions.
      const rounded = /ln_|positional/.test(name)
        ? expected
        : { ...expected, values: expected.values.map((value) => float16ToNumber(numberToFloat16(value))) };
      const tensor = await checkpoint.read(name);
      expect([name, tensor.dtype]).toEqual([name, isFloat16(name) ? "float16" : "float32"]);
      expectSame(name, tensor, rounded);
    }
    await checkpoint.close();
  });
});
