import { printGraph, verify } from "@textower/graph";
import { expect, test } from "vitest";
import { architecture, buildTextEncoder, listArchitectures } from "../src/index.js";

const tiny = {
  ...architecture("ViT-B-32", "quick_gelu"),
  width: 8,
  heads: 2,
  mlpWidth: 32,
  layers: 1,
  embedDim: 4,
};

test("one block and its pooled rows, as text", () => {
  expect(printGraph(buildTextEncoder(tiny))).toMatchInlineSnapshot(`
    "%0 = input("tokens", float32)  # [rows, 8]
    %1 = input("positions", int32)  # [rows]
    %2 = input("parents", int32)  # [rows]
    %3 = input("pooled", int32)  # [prompts]
    %4 = weight("positional_embedding")  # [77, 8]
    %5 = gather(%4, %1)  # [rows, 8]
    %6 = add(%0, %5)  # [rows, 8]
    %7 = weight("transformer.resblocks.0.ln_1.weight")  # [8]
    %8 = weight("transformer.resblocks.0.ln_1.bias")  # [8]
    %9 = layerNorm(%6, %7, %8, epsilon 0.00001)  # [rows, 8]
    %10 = gather(%9, %3)  # [prompts, 8]
    %11 = weight("transformer.resblocks.0.attn.in_proj_weight", rows 0:8)  # [8, 8]
    %12 = weight("transformer.resblocks.0.attn.in_proj_bias", rows 0:8)  # [8]
    %13 = linear(%10, %11, %12)  # [prompts, 8]
    %14 = weight("transformer.resblocks.0.attn.in_proj_weight", rows 8:24)  # [16, 8]
    %15 = weight("transformer.resblocks.0.attn.in_proj_bias", rows 8:24)  # [16]
    %16 = linear(%9, %14, %15)  # [rows, 16]
    %17 = attention(%13[0:8], %16[0:8], %16[8:16], heads 2, ancestors %2, queryRows %3, contextLength 77)  # [prompts, 8]
    %18 = gather(%6, %3)  # [prompts, 8]
    %19 = weight("transformer.resblocks.0.attn.out_proj.weight")  # [8, 8]
    %20 = weight("transformer.resblocks.0.attn.out_proj.bias")  # [8]
    %21 = linear(%17, %19, %20)  # [prompts, 8]
    %22 = add(%18, %21)  # [prompts, 8]
    %23 = weight("transformer.resblocks.0.ln_2.weight")  # [8]
    %24 = weight("transformer.resblocks.0.ln_2.bias")  # [8]
    %25 = layerNorm(%22, %23, %24, epsilon 0.00001)  # [prompts, 8]
    %26 = weight("transformer.resblocks.0.mlp.c_fc.weight")  # [32, 8]
    %27 = weight("transformer.resblocks.0.mlp.c_fc.bias")  # [32]
    %28 = linear(%25, %26, %27)  # [prompts, 32]
    %29 = gelu(%28, quick)  # [prompts, 32]
    %30 = weight("transformer.resblocks.0.mlp.c_proj.weight")  # [8, 32]
    %31 = weight("transformer.resblocks.0.mlp.c_proj.bias")  # [8]
    %32 = linear(%29, %30, %31)  # [prompts, 8]
    %33 = add(%22, %32)  # [prompts, 8]
    %34 = weight("ln_final.weight")  # [8]
    %35 = weight("ln_final.bias")  # [8]
    %36 = layerNorm(%33, %34, %35, epsilon 0.00001)  # [prompts, 8]
    %37 = weight("text_projection.weight")  # [4, 8]
    %38 = linear(%36, %37)  # [prompts, 4]
    output embedding = %38
    "
  `);
});

test("every published tower builds, and its graph is sound", () => {
  for (const name of listArchitectures()) verify(buildTextEncoder(architecture(name, "gelu")));
});

test("parameters of the published towers", () => {
  // openai/CLIP and open_clip docs/model_profile.csv: text parameters in millions, the token table included.
  const published = {
    "ViT-B-32": 63.43,
    RN50: 63.69,
    RN50x4: 91.16,
    "ViT-L-14": 123.65,
    RN50x64: 202.88,
    "ViT-H-14": 354.0,
    "ViT-bigG-14": 694.7,
  } as const;
  for (const [name, millions] of Object.entries(published)) {
    const descriptor = architecture(name as keyof typeof published, "gelu");
    let parameters = descriptor.vocabSize * descriptor.width;
    for (const node of buildTextEncoder(descriptor).nodes) {
      if (node.op === "weight") parameters += node.shape.reduce((a, b) => a * b);
    }
    expect(parameters / 1e6, name).toBeCloseTo(millions, millions > 300 ? 1 : 2);
  }
});

test("blocks that no output needs are left out", () => {
  const layers = { ...tiny, layers: 6 };
  const attentions = (
    ...outputs: Parameters<typeof buildTextEncoder>[1] extends { outputs?: infer T } | undefined ? T[] : never
  ) =>
    buildTextEncoder(layers, { outputs: outputs[0]! }).nodes.filter((node) => node.op === "attention").length;
  expect(attentions(["hidden.0"])).toBe(0);
  expect(attentions(["hidden.5.norm"])).toBe(5);
  expect(attentions(["embedding"])).toBe(6);
  const inputs = (outputs: ["hidden.2"] | ["embedding"]) =>
    buildTextEncoder(layers, { outputs }).nodes.flatMap((node) => (node.op === "input" ? [node.name] : []));
  expect(inputs(["hidden.2"])).toEqual(["tokens", "positions", "parents"]);
  expect(inputs(["embedding"])).toEqual(["tokens", "positions", "parents", "pooled"]);
});

test("refuses outputs that the tower does not have", () => {
  expect(() => buildTextEncoder(tiny, { outputs: [] })).toThrow("expected at least one output, got none");
  expect(() => buildTextEncoder(tiny, { outputs: ["hidden.2"] })).toThrow("hidden.0…1, got hidden.2");
  expect(() => buildTextEncoder(tiny, { outputs: ["logits" as never] })).toThrow("got logits");
  expect(() => buildTextEncoder({ ...tiny, embedDim: null }, { outputs: ["embedding"] })).toThrow(
    "without projection",
  );
  expect(() => buildTextEncoder({ ...tiny, heads: 3 })).toThrow("expected heads that divide 8, got 3");
  expect(() => architecture("ViT-Z" as never, "gelu")).toThrow("architecture: expected one of RN50");
});
