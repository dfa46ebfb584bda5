/** Conversion to other precisions: read back by the reader, and held against the formula that the weights follow from. */
import { numberToFloat16, toFloat32 } from "@textower/graph";
import type { Precision } from "@textower/graph";
import { describe, expect, it } from "vitest";
import { convertCheckpoint, openCheckpoint, writeSafetensors } from "../src/index.js";
import type { Checkpoint, StoredTensor } from "../src/index.js";
import { expectedTensors, expectMicro, golden, tensorsOf } from "./golden.js";

const activation = "quick_gelu";

async function convert(checkpoint: Checkpoint, precision: Precision) {
  const conversion = convertCheckpoint(checkpoint, precision);
  const pieces: Uint8Array[] = [];
  for await (const piece of conversion.pieces()) pieces.push(piece);
  const bytes = new Uint8Array(Buffer.concat(pieces));
  expect(bytes.length).toBe(conversion.fileBytes);
  return { bytes, config: conversion.config };
}

/** From OpenAI's names, whose projection is transposed and whose query, key and value are one tensor. */
async function converted(precision: Precision) {
  const source = await openCheckpoint(golden("micro.openai"), { activation });
  const { bytes, config } = await convert(source, precision);
  return { source, bytes, checkpoint: await openCheckpoint(bytes, { config }) };
}

it("keeps what the checkpoint says of itself", async () => {
  const { source, checkpoint } = await converted("float32");
  const { pooling, ...rest } = checkpoint.descriptor;
  const { pooling: before, ...expected } = source.descriptor;
  expect(rest).toEqual(expected);
  expect(pooling.endOfText).toBe(before.endOfText);
  expect(checkpoint.naming).toBe("huggingface");
  expect(checkpoint.logitScale).toBe(source.logitScale);
});

it("keeps float32 to the bit", async () => {
  await expectMicro((await converted("float32")).checkpoint);
});

it("rounds to float16 once", async () => {
  await expectMicro((await converted("float16")).checkpoint, "float16");
});

describe("int8", () => {
  it("is off by half a step of its row at most", async () => {
    const { checkpoint } = await converted("int8");
    for (const [name, { shape, values }] of expectedTensors("micro")) {
      const tensor = await checkpoint.read(name);
      if (shape.length === 1) {
        expect([name, tensor.dtype]).toEqual([name, "float16"]);
        expect([...(tensor.data as Uint16Array)]).toEqual([...values].map(numberToFloat16));
        continue;
      }
      expect([name, tensor.dtype, tensor.shape]).toEqual([name, "int8", [...shape]]);
      const got = toFloat32(tensor);
      const columns = shape[1]!;
      for (let row = 0; row < shape[0]!; row++) {
        const exact = values.subarray(row * columns, (row + 1) * columns);
        const step = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
        const off = exact.reduce(
          (most, value, i) => Math.max(most, Math.abs(value - got[row * columns + i]!)),
          0,
        );
        expect(off).toBeLessThanOrEqual(step * 0.5001);
      }
    }
  });

  it("gives rows and ranges as it gives the whole", async () => {
    const { checkpoint } = await converted("int8");
    const name = "transformer.resblocks.1.attn.in_proj_weight";
    const whole = toFloat32(await checkpoint.read(name));
    const some = toFloat32(await checkpoint.read(name, { begin: 60, end: 140 }));
    expect(some).toEqual(whole.slice(60 * 64, 140 * 64));
    const table = toFloat32(await checkpoint.read("token_embedding.weight"));
    const rows = new Float32Array(3 * 64);
    await checkpoint.tokenEmbedding.read(Int32Array.of(1000, 3, 4), rows);
    expect(rows).toEqual(
      Float32Array.from([1000, 3, 4].flatMap((id) => [...table.subarray(id * 64, id * 64 + 64)])),
    );
    expect(checkpoint.storedBytes["I8"]).toBeGreaterThan(checkpoint.storedBytes["F16"]!);
  });

  it("stays as it is when converted again", async () => {
    const { checkpoint, bytes } = await converted("int8");
    const { bytes: again } = await convert(checkpoint, "int8");
    const [first, second] = [tensorsOf(bytes), tensorsOf(again)];
    expect([...second.keys()]).toEqual([...first.keys()]);
    for (const [name, tensor] of first) {
      if (tensor.dtype === "I8") expect([name, second.get(name)!.data]).toEqual([name, tensor.data]);
    }
  });

  it.each([
    ["bad-shape", { shape: [63], data: new Float32Array(63) }],
    ["bad-shape", { dtype: "F16" as const, data: new Uint16Array(64) }],
    ["unsupported-dtype", undefined],
  ])("is refused with other scales, as %s: %#", async (code, change) => {
    const tensors = new Map<string, StoredTensor>(tensorsOf((await converted("int8")).bytes));
    const name = "text_model.encoder.layers.0.self_attn.k_proj.weight_scale";
    if (change === undefined) tensors.delete(name);
    else tensors.set(name, { ...tensors.get(name)!, ...change });
    const promise = openCheckpoint(writeSafetensors(tensors), { activation });
    await expect(promise).rejects.toMatchObject({ name: "CheckpointError", code });
  });
});

it.each(["float16", "int8"] as const)("refuses what %s cannot hold", async (precision) => {
  const tensors = new Map<string, StoredTensor>(tensorsOf(golden("micro.openai")));
  const data = new Float32Array(1024 * 64);
  data[70] = precision === "int8" ? NaN : 70000;
  tensors.set("token_embedding.weight", { dtype: "F32", shape: [1024, 64], data });
  const source = await openCheckpoint(writeSafetensors(tensors), { activation });
  await expect(convert(source, precision)).rejects.toMatchObject({ code: "unsupported-dtype" });
});

it("refuses full attention", async () => {
  const source = await openCheckpoint(golden("micro.openai"), { activation, attention: "full" });
  expect(() => convertCheckpoint(source, "int8")).toThrow(/full attention/);
});
