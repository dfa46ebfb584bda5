/** Every text tensor of real files, bit by bit, in the four namings and three dtypes. */
import { numberToFloat16 } from "@textower/graph";
import { describe, expect, it } from "vitest";
import { openCheckpoint, writeSafetensors } from "../src/index.js";
import type { Checkpoint, StoredTensor } from "../src/index.js";
import {
  bfloat16,
  countingSource,
  expectedTensors,
  expectMicro,
  expectSame,
  golden,
  renamed,
  tensorsOf,
  toCustomText,
  toFlat,
} from "./golden.js";

const activation = "quick_gelu";
const openai = tensorsOf(golden("micro.openai"));
const huggingface = tensorsOf(golden("micro.hf"));

/** Transposes a stored float32 matrix. */
function transposed({ shape, data }: StoredTensor): StoredTensor {
  const [rows, columns] = shape as [number, number];
  const values = new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
  const turned = values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
  return { dtype: "F32", shape: [columns, rows], data: turned };
}

const files: Record<string, { naming: string; bytes: () => Uint8Array }> = {
  "OpenAI's": { naming: "openai", bytes: () => golden("micro.openai") },
  "Hugging Face's": { naming: "huggingface", bytes: () => golden("micro.hf") },
  CustomText: { naming: "custom-text", bytes: () => writeSafetensors(renamed(openai, toCustomText)) },
  "Hugging Face's without prefix": {
    naming: "huggingface-flat",
    bytes: () => writeSafetensors(renamed(huggingface, toFlat)),
  },
  "OpenAI's behind module.": {
    naming: "openai",
    bytes: () => writeSafetensors(renamed(openai, (name) => `module.${name}`)),
  },
  "CustomText with a linear projection": {
    naming: "custom-text",
    bytes: () => {
      const tensors = renamed(openai, toCustomText);
      tensors.set("text.text_projection.weight", transposed(openai.get("text_projection")!));
      tensors.delete("text.text_projection");
      return writeSafetensors(tensors);
    },
  },
};

describe.each(Object.entries(files))("%s names", (_, { naming, bytes }) => {
  it("give every tensor, exactly", async () => {
    const checkpoint = await openCheckpoint(bytes(), { activation });
    expect(checkpoint.naming).toBe(naming);
    await expectMicro(checkpoint);
    expect(checkpoint.descriptor).toEqual({
      width: 64,
      layers: 2,
      heads: 1,
      mlpWidth: 256,
      embedDim: 32,
      contextLength: 77,
      vocabSize: 1024,
      activation,
      attention: "causal",
      layerNormEpsilon: 1e-5,
      projectionBias: false,
      padId: 0,
      pooling: { rule: "argmax", endOfText: 1023 },
    });
  });

  it("give any range of rows, reading only these", async () => {
    const source = countingSource(new Uint8Array(bytes()));
    const checkpoint = await openCheckpoint(source, { activation });
    const name = "transformer.resblocks.1.attn.in_proj_weight";
    const bias = "transformer.resblocks.1.attn.in_proj_bias";
    for (const [begin, end] of [
      [0, 192],
      [64, 192],
      [0, 64],
      [63, 65],
      [100, 130],
      [191, 192],
      [5, 5],
    ] as const) {
      source.reads.length = 0;
      for (const [tensor, width] of [
        [name, 64],
        [bias, 1],
      ] as const) {
        const { values, shape } = expectedTensors("micro").get(tensor)!;
        expectSame(`${tensor} ${begin}..${end}`, await checkpoint.read(tensor, { begin, end }), {
          shape: [end - begin, ...shape.slice(1)],
          values: values.slice(begin * width, end * width),
        });
      }
      expect(source.bytesRead()).toBe((end - begin) * 65 * 4);
    }
    const projection = expectedTensors("micro").get("text_projection.weight")!;
    expectSame("projection", await checkpoint.read("text_projection.weight", { begin: 3, end: 7 }), {
      shape: [4, 64],
      values: projection.values.slice(3 * 64, 7 * 64),
    });
  });
});

describe("16-bit files", () => {
  it("give bfloat16 as written by PyTorch, nearest even", async () => {
    const checkpoint = await openCheckpoint(golden("micro.hf.bf16"), { activation });
    await expectMicro(checkpoint, "bfloat16");
    expect(checkpoint.storedBytes).toEqual({ BF16: checkpoint.textBytes });
  });

  it("give float16, unaligned in the file", async () => {
    const tensors = new Map<string, StoredTensor>();
    for (const [name, { shape, values }] of expectedTensors("micro")) {
      const data = Uint16Array.from(values, numberToFloat16);
      tensors.set(`text.${name}`, { dtype: "F16", shape, data });
    }
    const file = writeSafetensors(tensors);
    // A header of odd length: every tensor at an odd offset.
    const length = Number(new DataView(file.buffer).getBigUint64(0, true));
    const odd = new Uint8Array(file.length + 1);
    odd.set(file.subarray(0, 8 + length));
    odd[8 + length] = 0x20;
    odd.set(file.subarray(8 + length), 9 + length);
    new DataView(odd.buffer).setBigUint64(0, BigInt(length + 1), true);
    await expectMicro(await openCheckpoint(odd, { activation }), "float16");
  });

  it("round halves to even", () => {
    expect([1 + 2 ** -8, 1 + 3 * 2 ** -8].map(bfloat16)).toEqual([0x3f80, 0x3f82]);
  });
});

describe("what is read", () => {
  const vision = (name: string): boolean => /^(visual|vision_model|visual_projection)/.test(name);

  it.each(["micro.openai", "micro.hf"] as const)(
    "%s: never the vision tower, never the token table",
    async (file) => {
      const bytes = golden(file);
      const source = countingSource(bytes);
      const checkpoint = await openCheckpoint(source, { activation });
      const header = Number(new DataView(bytes.buffer).getBigUint64(0, true)) + 8;
      expect(source.bytesRead()).toBeLessThan(header + 300); // first bytes once more, and the temperature
      for (const name of checkpoint.tensors.keys()) {
        if (name !== "token_embedding.weight") await checkpoint.read(name);
      }
      await checkpoint.tokenEmbedding.read(Int32Array.of(1022, 5, 1023), new Float32Array(3 * 64));
      for (const [name, { data }] of tensorsOf(bytes)) {
        const begin = data.byteOffset;
        const end = begin + data.byteLength;
        const read = source.reads
          .map(([offset, length]) => Math.min(end, offset + length) - Math.max(begin, offset))
          .filter((length) => length > 0)
          .reduce((a, b) => a + b, 0);
        if (vision(name)) expect([name, read]).toEqual([name, 0]);
        else if (name.includes("token_embedding")) expect(read).toBe(3 * 64 * 4);
        else if (!/position_ids|_resolution|_length|_size/.test(name))
          expect([name, read]).toEqual([name, end - begin]);
      }
    },
  );

  it("belongs to the caller, each time anew", async () => {
    const bytes = golden("micro.openai");
    const checkpoint: Checkpoint = await openCheckpoint(bytes, { activation });
    const first = await checkpoint.read("ln_final.bias");
    first.data.fill(7);
    expectSame(
      "ln_final.bias",
      await checkpoint.read("ln_final.bias"),
      expectedTensors("micro").get("ln_final.bias")!,
    );
  });

  it("tells the temperature as stored", async () => {
    const checkpoint = await openCheckpoint(golden("micro.hf"), { activation });
    const view = tensorsOf(golden("micro.hf")).get("logit_scale")!.data;
    expect(checkpoint.logitScale).toBe(new DataView(view.buffer, view.byteOffset).getFloat32(0, true));
    const none = await openCheckpoint(
      writeSafetensors(renamed(openai, (name) => (name === "logit_scale" ? undefined : name))),
      { activation },
    );
    expect(none).not.toHaveProperty("logitScale");
  });
});
