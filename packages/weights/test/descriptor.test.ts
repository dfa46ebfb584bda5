/** What configs, options and tensors say of a tower, and what happens when they disagree. */
import { describe, expect, it } from "vitest";
import { inspectCheckpoint, MissingActivationError, openCheckpoint, writeSafetensors } from "../src/index.js";
import type { CheckpointErrorCode, OpenCheckpointOptions, StoredTensor } from "../src/index.js";
import { golden, renamed, tensorsOf } from "./golden.js";

const file = golden("micro.hf");

/** What transformers would have written for micro. */
const text = {
  hidden_size: 64,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  vocab_size: 1024,
  eos_token_id: 1023,
};
const clip = (changes: Record<string, unknown> = {}) => ({
  model_type: "clip",
  text_config: { ...text, ...changes },
  projection_dim: 512, // wrong on purpose: the tensor's shape counts
});
const textConfig = { width: 64, heads: 2, layers: 2, vocab_size: 1024 };
const openClip = (text: Record<string, unknown> = {}, model: Record<string, unknown> = {}) => ({
  model_cfg: { embed_dim: 32, vision_cfg: {}, text_cfg: { ...textConfig, ...text }, ...model },
  preprocess_cfg: {},
});

const describeWith = async (options: OpenCheckpointOptions) =>
  (await openCheckpoint(file, options)).descriptor;

async function expectRefused(options: OpenCheckpointOptions, code: CheckpointErrorCode, message: RegExp) {
  const promise = openCheckpoint(file, options);
  await expect(promise).rejects.toThrow(message);
  await expect(promise).rejects.toMatchObject({ name: "CheckpointError", code });
}

describe("the activation", () => {
  it("is never guessed", async () => {
    await expect(openCheckpoint(file)).rejects.toBeInstanceOf(MissingActivationError);
    await expect(openCheckpoint(file)).rejects.toThrow(/activation: "quick_gelu" \(OpenAI's own/);
  });

  it("may be unknown to whoever only looks", async () => {
    const inspection = await inspectCheckpoint(file);
    expect(inspection.descriptor).not.toHaveProperty("activation");
    expect(inspection.origins).not.toHaveProperty("activation");
    expect(inspection).toMatchObject({
      format: "safetensors",
      naming: "huggingface",
      fileBytes: file.length,
      metadata: new Map([["format", "pt"]]),
      storedBytes: { F32: inspection.textBytes },
    });
    expect(inspection.tensors.get("text_projection.weight")).toEqual([32, 64]);
  });

  it.each([
    [{ config: clip() }, "quick_gelu"],
    [{ config: clip({ hidden_act: "gelu" }) }, "gelu"],
    [{ config: clip({ hidden_act: "gelu_pytorch_tanh" }) }, "gelu_tanh"],
    [{ config: clip({ hidden_act: "gelu_new" }) }, "gelu_tanh"],
    [{ config: clip({ hidden_act: "gelu" }), activation: "quick_gelu" }, "quick_gelu"],
    [{ config: openClip() }, "gelu"],
    [{ config: openClip({}, { quick_gelu: true }) }, "quick_gelu"],
    [{ config: openClip({ act_kwargs: { approximate: "tanh" } }) }, "gelu_tanh"],
    [{ activation: "gelu_tanh" }, "gelu_tanh"],
  ] as const)("of %j is %s", async (options, activation) => {
    expect((await describeWith(options)).activation).toBe(activation);
  });
});

describe("a config of transformers", () => {
  it("says what tensors cannot", async () => {
    const checkpoint = await openCheckpoint(file, {
      config: clip({ layer_norm_eps: 1e-6, pad_token_id: 9 }),
    });
    expect(checkpoint.descriptor).toMatchObject({
      heads: 2,
      layerNormEpsilon: 1e-6,
      padId: 9,
      embedDim: 32,
      attention: "causal",
      pooling: { rule: "first", endOfText: 1023 },
    });
    expect(checkpoint.origins).toMatchObject({ heads: "the given config", width: "tensors" });
  });

  it("may be of the text model alone, or very old", async () => {
    const alone = { model_type: "clip_text_model", ...text };
    expect(await describeWith({ config: alone })).toMatchObject({ heads: 2, padId: 1 });
    const old = { ...clip({ num_attention_heads: 4 }), text_config_dict: text };
    expect(await describeWith({ config: old })).toMatchObject({ heads: 2 });
    expect(await describeWith({ config: { text_config: text } })).toMatchObject({ heads: 2 });
  });

  it("pools by argmax where the end of text is the legacy 2", async () => {
    const { pooling } = await describeWith({ config: clip({ eos_token_id: 2 }) });
    expect(pooling).toEqual({ rule: "argmax", endOfText: 1023 });
  });

  it.each([
    [{ hidden_size: 128 }, /hidden_size 128 of the given config, got width 64/],
    [{ hidden_size: null }, /hidden_size 512, its default, of the given config/],
    [{ num_hidden_layers: 12 }, /num_hidden_layers 12 .*, got layers 2/],
    [{ intermediate_size: 128 }, /intermediate_size 128/],
    [{ max_position_embeddings: 64 }, /max_position_embeddings 64/],
    [{ vocab_size: 49408 }, /vocab_size 49408/],
    [{ num_attention_heads: 3 }, /heads to divide the width 64, got 3 \(the given config\)/],
    [{ eos_token_id: 49407 }, /below the vocabulary's 1024, got first with 49407/],
  ])("that contradicts the tensors by %j is refused", (changes, message) =>
    expectRefused({ config: clip(changes) }, "config-mismatch", message),
  );

  it.each(["siglip", "siglip2", "chinese_clip", "metaclip_2", "bert"])("of a %s is refused by name", (type) =>
    expectRefused(
      { config: { ...clip(), model_type: type } },
      "unsupported-model",
      new RegExp(`got ${type}`),
    ),
  );

  it("of another text model within is refused", () =>
    expectRefused({ config: clip({ model_type: "bert" }) }, "unsupported-model", /got bert/));

  it("of an unknown activation is refused", () =>
    expectRefused({ config: clip({ hidden_act: "relu" }) }, "unsupported-model", /hidden_act .*, got relu/));

  it.each([
    [{ hidden_act: 7 }],
    [{ num_attention_heads: "8" }],
    [{ num_attention_heads: 0 }],
    [{ num_attention_heads: 1.5 }],
    [{ layer_norm_eps: -1 }],
    [{ eos_token_id: [1023] }],
    [{ pad_token_id: -1 }],
  ])("with %j is refused", (changes) =>
    expectRefused({ config: clip(changes) }, "bad-config", /the given config: text_config: expected .* got /),
  );
});

describe("warnings", () => {
  const warningsWith = async (options: OpenCheckpointOptions) =>
    (await openCheckpoint(file, { activation: "quick_gelu", ...options })).warnings;

  it("tell of a projection_dim that is not the tensors'", async () => {
    expect(await warningsWith({ config: clip() })).toEqual([
      expect.stringMatching(
        /the given config says projection_dim 512; the tensors have embedDim 32, which counts/,
      ),
    ]);
    expect(await warningsWith({ config: clip({ projection_dim: 64 }) })).toEqual([
      expect.stringMatching(/projection_dim 512 and 64;/),
    ]);
    // One that is right is enough, and a config need not say anything.
    expect(await warningsWith({ config: clip({ projection_dim: 32 }) })).toEqual([]);
    expect(await warningsWith({ config: { model_type: "clip_text_model", ...text } })).toEqual([]);
  });

  it("tell of options that contradict a config", async () => {
    const config = openClip();
    expect(await warningsWith({ config, heads: 4, padId: 0 })).toEqual([
      expect.stringMatching(/the given config says heads 2, the option 4/),
      expect.stringMatching(/the given config says activation gelu, the option quick_gelu/),
    ]);
    expect(await warningsWith({ config, activation: "gelu" })).toEqual([]);
  });
});

describe("a config of OpenCLIP", () => {
  it("says what tensors cannot", async () => {
    const norm_kwargs = { eps: 1e-6 };
    const config = openClip({ norm_kwargs, no_causal_mask: true, pad_id: 3, hf_tokenizer_name: null });
    expect(await describeWith({ config })).toMatchObject({
      heads: 2,
      attention: "full",
      layerNormEpsilon: 1e-6,
      padId: 3,
      pooling: { rule: "argmax", endOfText: 1023 },
    });
    expect(await describeWith({ config: config.model_cfg })).toMatchObject({ attention: "full" });
  });

  it("may pool by id", async () => {
    const { pooling } = await describeWith({ config: openClip({ pool_type: "eos", eos_id: 5 }) });
    expect(pooling).toEqual({ rule: "first", endOfText: 5 });
  });

  it.each([
    [{ hf_model_name: "roberta-base" }, /roberta-base/],
    [{ hf_tokenizer_name: "google/mt5-base" }, /google\/mt5-base/],
    [{ pool_type: "last" }, /pool_type last/],
    [{ embed_cls: true }, /embed_cls/],
    [{ ls_init_value: 1e-5 }, /ls_init_value/],
    [{ proj_type: "mlp" }, /proj_type mlp/],
    [{ some_new_thing: 1 }, /some_new_thing/],
    [{ tokenizer_mode: "clips" }, /tokenizer_mode/],
    [{ tokenizer_kwargs: { clean: "canonicalize" } }, /tokenizer_kwargs\.clean/],
  ])("with %j is refused by name", (changes, message) =>
    expectRefused({ config: openClip(changes) }, "unsupported-model", message),
  );

  it("of a captioning model is refused", () =>
    expectRefused({ config: openClip({}, { multimodal_cfg: {} }) }, "unsupported-model", /multimodal_cfg/));

  it.each([
    [openClip({ width: 128 }), /width 128/],
    [openClip({ layers: 3 }), /layers 3/],
    [openClip({ mlp_ratio: 2 }), /mlp_ratio 128/],
    [openClip({ context_length: 32 }), /context_length 32/],
    [openClip({}, { embed_dim: 64 }), /embed_dim 64/],
  ])("that contradicts the tensors is refused: %#", (config, message) =>
    expectRefused({ config }, "config-mismatch", message),
  );

  it.each([{ act_kwargs: { approximate: 1 } }, { act_kwargs: { approximate: "x" } }, { norm_kwargs: [] }])(
    "with %j is refused",
    (changes) => expectRefused({ config: openClip(changes) }, "bad-config", /expected .* got /),
  );

  it("without text_cfg is refused", () =>
    expectRefused({ config: { model_cfg: { embed_dim: 32 } } }, "bad-config", /text_cfg/));
});

it.each([[{}], [{ name: "package" }], [[]], ["text"], [7]])("%j is no config", (config) =>
  expectRefused({ config }, "bad-config", /expected the parsed JSON/),
);

it("config sibling needs a place", () => expectRefused({ config: "sibling" }, "bad-option", /sibling/));

describe("options", () => {
  const activation = "gelu";

  it("win over a config", async () => {
    const options = {
      activation,
      heads: 4,
      attention: "full",
      layerNormEpsilon: 1e-3,
      padId: 7,
      pooling: { rule: "first", endOfText: 6 },
    } as const;
    const checkpoint = await openCheckpoint(file, { config: clip(), ...options });
    expect(checkpoint.descriptor).toMatchObject(options);
    expect(new Set(Object.values(checkpoint.origins))).toEqual(new Set(["tensors", "option"]));
  });

  it.each([
    [{ heads: 3 }],
    [{ heads: 0 }],
    [{ activation: "relu" as "gelu" }],
    [{ attention: "none" as "full" }],
    [{ layerNormEpsilon: 0 }],
    [{ layerNormEpsilon: NaN }],
    [{ padId: 1024 }],
    [{ pooling: { rule: "first", endOfText: 1024 } as const }],
    [{ pooling: { rule: "last" as "first", endOfText: 1 } }],
  ])("%j are refused", (options) =>
    expectRefused({ activation, ...options }, "bad-option", /expected .* got /),
  );
});

describe("towers of other sizes", () => {
  /** A whole tower of zeros. */
  function tower(width: number, vocabSize: number, layers = 1): Uint8Array {
    const tensors = new Map<string, StoredTensor>();
    for (const [name, { shape }] of renamed(tensorsOf(golden("micro.openai")), (name) =>
      /^visual|^logit/.test(name) || Number(/resblocks\.(\d+)/.exec(name)?.[1] ?? 0) >= layers
        ? undefined
        : name,
    )) {
      const scaled = shape.map((n) =>
        n % 64 === 0 && n !== 1024 ? (n / 64) * width : n === 1024 ? vocabSize : n,
      );
      const count = scaled.reduce((a, b) => a * b, 1);
      if (count > 1) tensors.set(name, { dtype: "F16", shape: scaled, data: new Uint16Array(count) });
    }
    return writeSafetensors(tensors);
  }

  it("have heads of 64 unless somebody says otherwise", async () => {
    const { descriptor } = await openCheckpoint(tower(128, 512), { activation: "gelu" });
    expect(descriptor).toMatchObject({ width: 128, heads: 2, layers: 1, mlpWidth: 512, vocabSize: 512 });
    const odd = tower(72, 512);
    await expect(openCheckpoint(odd, { activation: "gelu" })).rejects.toThrow(/pass the option heads/);
    expect((await openCheckpoint(odd, { activation: "gelu", heads: 1 })).descriptor.heads).toBe(1);
  });

  it("end a text with CLIP's 49407 where ids were added to its vocabulary", async () => {
    const added = tower(16, 49410);
    const options = { activation: "gelu", heads: 1 } as const;
    const pooling = { rule: "first", endOfText: 49407 };
    expect((await openCheckpoint(added, options)).descriptor.pooling).toEqual(pooling);
    const config = {
      model_type: "clip_text_model",
      ...text,
      hidden_size: 16,
      intermediate_size: 64,
      num_hidden_layers: 1,
      vocab_size: 49410,
      eos_token_id: 2,
    };
    expect((await openCheckpoint(added, { config, heads: 1 })).descriptor.pooling).toEqual(pooling);
    const plain = (await openCheckpoint(tower(16, 49408), options)).descriptor.pooling;
    expect(plain).toEqual({ rule: "argmax", endOfText: 49407 });
  });
});
