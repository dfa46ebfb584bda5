/** Towers in Apple's naming and within Stable Diffusion checkpoints, and models that are refused by name. */
import { describe, expect, it } from "vitest";
import { openCheckpoint, writeSafetensors } from "../src/index.js";
import type { StoredTensor } from "../src/index.js";
import { expectMicro, golden, renamed, tensorsOf, toFlat } from "./golden.js";

const activation = "gelu";
const openai = tensorsOf(golden("micro.openai"));
const huggingface = tensorsOf(golden("micro.hf"));
const textOnly = (tensors: ReadonlyMap<string, StoredTensor>): Map<string, StoredTensor> =>
  renamed(tensors, (name) =>
    /^(?:visual|vision_model|visual_projection)\b|^(?:input_resolution|context_length|vocab_size)$/.test(name)
      ? undefined
      : name,
  );

const open = (tensors: Map<string, StoredTensor>, options = {}) =>
  openCheckpoint(writeSafetensors(tensors), { activation, ...options });

/** OpenAI's names → Apple's, as ml-mobileclip's modules are called. */
const APPLE: readonly [RegExp, string][] = [
  [/^token_embedding/, "embedding_layer"],
  [/^positional_embedding$/, "positional_embedding.pos_embed.pos_embed"],
  [/^ln_final/, "final_layer_norm"],
  [/^text_projection$/, "projection_layer"],
  [/^transformer\.resblocks\./, "transformer."],
  [/\.ln_1\./, ".pre_norm_mha.0."],
  [/\.attn\.in_proj_/, ".pre_norm_mha.1.qkv_proj."],
  [/\.attn\.out_proj\./, ".pre_norm_mha.1.out_proj."],
  [/\.ln_2\./, ".pre_norm_ffn.0."],
  [/\.mlp\.c_fc\./, ".pre_norm_ffn.1."],
  [/\.mlp\.c_proj\./, ".pre_norm_ffn.4."],
];

function mobileClip(): Map<string, StoredTensor> {
  const tensors = renamed(textOnly(openai), (name) =>
    name === "logit_scale"
      ? name
      : `text_encoder.${APPLE.reduce((result, [from, to]) => result.replace(from, to), name)}`,
  );
  const positions = "text_encoder.positional_embedding.pos_embed.pos_embed";
  const { shape, ...rest } = tensors.get(positions)!;
  tensors.set(positions, { ...rest, shape: [1, 1, ...shape] });
  tensors.set("image_encoder.model.head.proj", { dtype: "F32", shape: [1], data: new Float32Array(1) });
  return tensors;
}

describe("MobileCLIP's own names", () => {
  it("are known", async () => {
    const checkpoint = await open(mobileClip());
    expect(checkpoint.naming).toBe("mobileclip");
    expect(checkpoint.logitScale).toBeDefined();
    await expectMicro(checkpoint);
    const some = await checkpoint.read("positional_embedding", { begin: 3, end: 5 });
    const whole = await checkpoint.read("positional_embedding");
    expect(some.shape).toEqual([2, 64]);
    expect(some.data).toEqual((whole.data as Float32Array).slice(3 * 64, 5 * 64));
  });

  it("of S0 are refused: it has convolutions", async () => {
    const tensors = mobileClip();
    tensors.set("text_encoder.transformer.0.token_mixer.weight", {
      dtype: "F32",
      shape: [1],
      data: new Float32Array(1),
    });
    await expect(open(tensors)).rejects.toThrow(/MobileCLIP-S0 is not supported: convolutions/);
  });
});

describe("a Stable Diffusion checkpoint in one file", () => {
  const clipText = renamed(huggingface, (name) => (name.startsWith("text_model.") ? name : undefined));
  const openClip = textOnly(openai);
  const unet = new Map<string, StoredTensor>([
    ["model.diffusion_model.time_embed.0.weight", { dtype: "F32", shape: [1], data: new Float32Array(1) }],
    ["first_stage_model.encoder.conv_in.bias", { dtype: "F32", shape: [1], data: new Float32Array(1) }],
  ]);
  const within = (prefix: string, tensors: Map<string, StoredTensor>) =>
    renamed(tensors, (name) => prefix + name);
  const projection = "text_projection.weight";

  it.each([
    ["1.x", "cond_stage_model.transformer.", clipText],
    ["1.x, flat", "cond_stage_model.transformer.", renamed(clipText, toFlat)],
    ["2.x", "cond_stage_model.model.", openClip],
    ["XL, second tower", "conditioner.embedders.1.model.", openClip],
    ["XL's refiner", "conditioner.embedders.0.model.", openClip],
    ["XL, first tower", "conditioner.embedders.0.transformer.", clipText],
  ])("%s has a tower", async (_, prefix, tower) => {
    for (const module of ["", "module."]) {
      const tensors = within(module, new Map([...unet, ...within(prefix, tower)]));
      const checkpoint = await open(tensors);
      const hasProjection = checkpoint.tensors.has(projection);
      expect(hasProjection).toBe(tower === openClip);
      if (hasProjection) await expectMicro(checkpoint);
      else expect(checkpoint.tensors.size).toBe(28);
    }
  });

  it("with a second tower outside is ambiguous", async () => {
    const tensors = new Map([...openClip, ...within("cond_stage_model.transformer.", clipText)]);
    await expect(open(tensors)).rejects.toMatchObject({ code: "unknown-naming" });
  });

  it("of XL has two, between which the caller chooses", async () => {
    const tensors = new Map([
      ...unet,
      ...within("conditioner.embedders.0.transformer.", clipText),
      ...within("conditioner.embedders.1.model.", openClip),
    ]);
    await expect(open(tensors)).rejects.toThrow(/option container.*embedders\.0.*embedders\.1/);
    const second = await open(tensors, { container: "conditioner.embedders.1.model." });
    expect(second.descriptor.embedDim).toBe(32);
    const first = await open(tensors, { container: "conditioner.embedders.0.transformer." });
    expect(first.descriptor.embedDim).toBeNull();
    await expect(open(tensors, { container: "text." })).rejects.toMatchObject({ code: "unknown-naming" });
  });
});

describe("models that are not this tower are refused by name", () => {
  it.each([
    ["SigLIP", { model_type: "siglip" }],
    ["SigLIP", { model_type: "siglip2" }],
    ["Chinese-CLIP", { model_type: "chinese_clip" }],
    ["MetaCLIP 2", { model_type: "metaclip_2" }],
    ["AltCLIP", { model_type: "altclip" }],
    ["ALIGN", { model_type: "align" }],
    ["SigLIP", { model_type: "clip", text_config: { model_type: "siglip_text_model" } }],
    ["SigLIP", { model_cfg: { text_cfg: { hf_tokenizer_name: "timm/ViT-B-16-SigLIP" } } }],
    ["CLIPA", { model_cfg: { text_cfg: { hf_tokenizer_name: "bert-base-uncased" } } }],
    ["MetaCLIP 2", { model_cfg: { text_cfg: { hf_tokenizer_name: "facebook/xlm-v-base" } } }],
    ["another", { model_type: "perceiver" }],
  ])("%s: %j", async (model, config) => {
    const promise = open(huggingface, { config });
    await expect(promise).rejects.toMatchObject({ code: "unsupported-model" });
    await expect(promise).rejects.toThrow(
      model === "another" ? /another text model/ : `${model} is not supported: `,
    );
  });

  it("also where only tensors tell", async () => {
    const head = { dtype: "F32" as const, shape: [1], data: new Float32Array(1) };
    const siglip = new Map(textOnly(huggingface)).set("text_model.head.weight", head);
    await expect(open(siglip)).rejects.toThrow(/SigLIP is not supported/);
  });
});
