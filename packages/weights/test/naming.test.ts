/** Names and shapes that are not exactly a CLIP text tower: refused, by name. */
import { describe, expect, it } from "vitest";
import { openCheckpoint, writeSafetensors } from "../src/index.js";
import type { CheckpointErrorCode, StoredTensor } from "../src/index.js";
import { expectMicro, golden, renamed, tensorsOf, toCustomText, toFlat } from "./golden.js";

const activation = "quick_gelu";
const openai = tensorsOf(golden("micro.openai"));
const huggingface = tensorsOf(golden("micro.hf"));
const scalar: StoredTensor = { dtype: "F32", shape: [], data: new Float32Array(1) };

async function expectRefused(tensors: Map<string, StoredTensor>, code: CheckpointErrorCode, message: RegExp) {
  const promise = openCheckpoint(writeSafetensors(tensors), { activation });
  await expect(promise).rejects.toThrow(message);
  await expect(promise).rejects.toMatchObject({ name: "CheckpointError", code });
}

/** A copy with one tensor put in, replaced or taken away. */
function changed(tensors: Map<string, StoredTensor>, name: string, tensor?: Partial<StoredTensor> | null) {
  const copy = new Map(tensors);
  if (tensor === null) copy.delete(name);
  else copy.set(name, { ...(copy.get(name) ?? scalar), ...tensor });
  return copy;
}

const floats = (...shape: number[]): StoredTensor => ({
  dtype: "F32",
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

describe("names", () => {
  it("of no scheme are refused with some of them", () =>
    expectRefused(
      new Map([["bert.embeddings.weight", scalar]]),
      "unknown-naming",
      /bert\.embeddings\.weight/,
    ));

  it("of two schemes are refused", () =>
    expectRefused(new Map([...openai, ...huggingface]), "unknown-naming", /openai and huggingface/));

  it("of no tensors at all are refused", () => expectRefused(new Map(), "unknown-naming", /0 tensors/));

  it.each([...openai.keys()].filter((name) => !/^visual|logit|_length|_resolution|_size/.test(name)))(
    "without %s are refused",
    (name) =>
      expectRefused(
        changed(openai, name, null),
        "missing-tensor",
        new RegExp(name.includes("projection") ? "text_projection" : name),
      ),
  );

  it.each(
    [...huggingface.keys()].filter((name) => name.startsWith("text_") && !name.endsWith("position_ids")),
  )("without %s are refused", (name) =>
    expectRefused(changed(huggingface, name, null), "missing-tensor", /in huggingface naming/),
  );

  it.each([
    ["transformer.resblocks.0.ls_1.gamma", openai],
    ["transformer.resblocks.01.ln_1.weight", openai],
    ["transformer.conv.weight", openai],
    ["something_else", openai],
    ["text_model.head.weight", huggingface],
    ["text_model.encoder.layers.0.mlp.fc3.weight", huggingface],
    ["text_projection.bias", huggingface],
    ["text.cls_emb", renamed(openai, toCustomText)],
    ["pooler.weight", renamed(huggingface, toFlat)],
  ] as const)("with %s are refused", (name, tensors) =>
    expectRefused(changed(tensors, name, scalar), "unknown-tensor", new RegExp(name.replaceAll(".", "\\."))),
  );

  it("outside a prefix are ignored where they cannot be text", async () => {
    const file = writeSafetensors(changed(huggingface, "classifier.weight", scalar));
    await expectMicro(await openCheckpoint(file, { activation }));
  });

  it("that mean the same tensor are refused", () =>
    expectRefused(
      changed(openai, "module.ln_final.bias", openai.get("ln_final.bias")!),
      "duplicate-tensor",
      /module\.ln_final\.bias/,
    ));

  it("with two projections are refused", () =>
    expectRefused(
      changed(openai, "text_projection.weight", floats(32, 64)),
      "duplicate-tensor",
      /text_projection/,
    ));

  it("with a gap between blocks are refused", () =>
    expectRefused(
      renamed(openai, (name) => name.replace("resblocks.1.", "resblocks.2.")),
      "missing-tensor",
      /transformer\.resblocks\.1\.ln_1\.weight/,
    ));

  it("without blocks are refused", () =>
    expectRefused(
      renamed(openai, (name) => (name.startsWith("transformer") ? undefined : name)),
      "missing-tensor",
      /transformer\.resblocks\.0\.ln_1/,
    ));
});

describe("a tower without projection", () => {
  const textOnly = (name: string): string | undefined => (name.startsWith("text_model.") ? name : undefined);

  it.each([
    ["huggingface", textOnly],
    ["huggingface-flat", (name: string) => textOnly(name) && toFlat(name)],
  ] as const)("opens in %s naming", async (naming, rename) => {
    const checkpoint = await openCheckpoint(writeSafetensors(renamed(huggingface, rename)), { activation });
    expect(checkpoint.naming).toBe(naming);
    expect(checkpoint.descriptor.embedDim).toBeNull();
    await expect(checkpoint.read("text_projection.weight")).rejects.toMatchObject({ code: "no-such-tensor" });
  });

  it.each(["logit_scale", "visual_projection.weight", "tekt_projection.weight"])(
    "is refused where %s says that one is missing",
    (name) =>
      expectRefused(
        changed(renamed(huggingface, textOnly), name, scalar),
        "missing-tensor",
        /text_projection/,
      ),
  );
});

describe("a projection with bias", () => {
  it("is read along", async () => {
    const tensors = changed(
      changed(openai, "text_projection", null),
      "text_projection.weight",
      floats(32, 64),
    );
    tensors.set("text_projection.bias", floats(32));
    const checkpoint = await openCheckpoint(writeSafetensors(renamed(tensors, toCustomText)), { activation });
    expect(checkpoint.descriptor.projectionBias).toBe(true);
    expect((await checkpoint.read("text_projection.bias")).shape).toEqual([32]);
  });

  it("needs a weight", () =>
    expectRefused(
      changed(renamed(huggingface, toFlat), "text_projection.bias", floats(32)),
      "unknown-tensor",
      /text_projection\.bias/,
    ));
});

describe("shapes", () => {
  it.each([
    ["ln_final.weight", floats(65)],
    ["ln_final.weight", floats(64, 1)],
    ["ln_final.bias", floats(63)],
    ["token_embedding.weight", floats(1024, 63)],
    ["token_embedding.weight", floats(0, 64)],
    ["positional_embedding", floats(77)],
    ["positional_embedding", floats(1, 77, 64)],
    ["text_projection", floats(32, 64)],
    ["transformer.resblocks.0.attn.in_proj_weight", floats(64, 64)],
    ["transformer.resblocks.1.attn.in_proj_bias", floats(191)],
    ["transformer.resblocks.1.mlp.c_fc.weight", floats(128, 64)],
    ["transformer.resblocks.0.mlp.c_fc.weight", floats(128, 64)],
    ["transformer.resblocks.0.mlp.c_proj.weight", floats(256, 64)],
    ["logit_scale", floats(2)],
  ])("%s of another shape is refused", (name, tensor) =>
    expectRefused(changed(openai, name, tensor), "bad-shape", /expected .* got \[/),
  );

  it("one of query, key and value of another shape is refused", () =>
    expectRefused(
      changed(huggingface, "text_model.encoder.layers.0.self_attn.k_proj.weight", floats(128, 64)),
      "bad-shape",
      /k_proj\.weight: expected \[64, 64\]/,
    ));
});

describe("dtypes", () => {
  it.each(["F64", "I64", "I32", "U8", "I8", "F8_E4M3"] as const)("%s text tensors are refused", (dtype) => {
    const bytes = { F64: 8, I64: 8, I32: 4, U8: 1, I8: 1, F8_E4M3: 1 }[dtype] * 64;
    const tensor = { dtype, shape: [64], data: new Uint8Array(bytes) };
    return expectRefused(
      changed(openai, "ln_final.bias", tensor),
      "unsupported-dtype",
      new RegExp(`got ${dtype}`),
    );
  });

  it("that differ between query, key and value are refused", () => {
    const tensor: StoredTensor = { dtype: "F16", shape: [64], data: new Uint16Array(64) };
    const name = "text_model.encoder.layers.1.self_attn.v_proj.bias";
    return expectRefused(
      changed(huggingface, name, tensor),
      "unsupported-dtype",
      /v_proj\.bias: expected F32/,
    );
  });

  it("of the vision tower do not matter", async () => {
    const tensors = changed(openai, "visual.proj", { dtype: "F4", shape: [4], data: new Uint8Array(2) });
    await expectMicro(await openCheckpoint(writeSafetensors(tensors), { activation }));
  });
});
