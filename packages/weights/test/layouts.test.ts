/** Directories as transformers and OpenCLIP lay them out, and files with configs beside them. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../src/index.js";
import { expectMicro, golden } from "./golden.js";

const text = {
  hidden_size: 64,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 1,
  vocab_size: 1024,
  eos_token_id: 1023,
};
const clipConfig = JSON.stringify({ model_type: "clip", text_config: text });
const openClipConfig = JSON.stringify({
  model_cfg: { embed_dim: 32, text_cfg: { width: 64, heads: 1, layers: 2, vocab_size: 1024 } },
});

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "textower-layouts-"));
});
afterAll(() => rm(root, { recursive: true }));

let count = 0;
/** A new directory with these files. */
async function directory(files: Record<string, string | Uint8Array>): Promise<string> {
  const path = join(root, String(count++));
  await mkdir(path);
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return path;
}

describe("a directory", () => {
  const weights = golden("micro.hf");
  const openClip = golden("micro.openai");

  it.each([
    ["transformers", { "model.safetensors": weights, "config.json": clipConfig }, "quick_gelu"],
    [
      "OpenCLIP",
      { "open_clip_model.safetensors": openClip, "open_clip_config.json": openClipConfig },
      "gelu",
    ],
    [
      "OpenCLIP (older)",
      { "open_clip_pytorch_model.safetensors": openClip, "open_clip_config.json": openClipConfig },
      "gelu",
    ],
    [
      "both",
      {
        "model.safetensors": weights,
        "open_clip_model.safetensors": openClip,
        "open_clip_config.json": openClipConfig,
        "config.json": clipConfig,
      },
      "quick_gelu",
    ],
    ["one file of any name", { "x.safetensors": weights, "config.json": clipConfig }, "quick_gelu"],
  ])("of %s opens", async (_, files, activation) => {
    const path = await directory(files);
    for (const source of [path, `${path}/`, pathToFileURL(path), pathToFileURL(`${path}/`).href]) {
      const checkpoint = await openCheckpoint(source);
      expect(checkpoint.descriptor.activation).toBe(activation);
      await checkpoint.read("ln_final.bias");
      await checkpoint.close();
    }
    const checkpoint = await openCheckpoint(path);
    await expectMicro(checkpoint);
    await checkpoint.close();
  });

  it.each([
    ["no-checkpoint", {}, /got nothing/],
    ["no-checkpoint", { "training.ckpt": "" }, /got training\.ckpt/],
    ["no-checkpoint", { "a.safetensors": "", "b.safetensors": "" }, /got a\.safetensors, b\.safetensors/],
    [
      "bad-index",
      { "model.safetensors.index.json": "{}", "model-00001-of-00002.safetensors": "" },
      /expected a weight_map/,
    ],
  ])("is refused as %s: %#", async (code, files, message) => {
    const promise = openCheckpoint(await directory(files), { activation: "gelu" });
    await expect(promise).rejects.toThrow(message);
    await expect(promise).rejects.toMatchObject({ name: "CheckpointError", code });
  });
});

describe("a config beside a file", () => {
  const weights = { "x.safetensors": golden("micro.hf"), "y.safetensors": golden("micro.openai") };

  it("is used where it belongs to the file's names", async () => {
    const path = await directory({ ...weights, "config.json": clipConfig });
    const { descriptor, origins, close } = await openCheckpoint(join(path, "x.safetensors"));
    expect(descriptor).toMatchObject({ activation: "quick_gelu", padId: 1 });
    expect(origins.activation).toBe("config.json");
    await close();
    // Of OpenAI's names no transformers config speaks.
    await expect(openCheckpoint(join(path, "y.safetensors"))).rejects.toThrow(/activation cannot be known/);
    const url = pathToFileURL(join(path, "x.safetensors"));
    const again = await openCheckpoint(url);
    expect(again.descriptor.activation).toBe("quick_gelu");
    await again.close();
  });

  it("is left aside on demand", async () => {
    const path = await directory({ ...weights, "config.json": clipConfig });
    const promise = openCheckpoint(join(path, "x.safetensors"), { config: null });
    await expect(promise).rejects.toThrow(/activation cannot be known/);
  });

  it("is ignored where it is about no model", async () => {
    const path = await directory({ ...weights, "config.json": '{"name":"something else"}' });
    const checkpoint = await openCheckpoint(join(path, "x.safetensors"), { activation: "gelu" });
    expect(checkpoint.origins.heads).toBe("default");
    await checkpoint.close();
  });

  it.each([
    ["bad-config", "{"],
    ["unsupported-model", '{"model_type":"siglip"}'],
    ["config-mismatch", '{"model_type":"clip"}'],
  ])("is refused as %s: %s", async (code, config) => {
    const path = await directory({ ...weights, "config.json": config });
    const promise = openCheckpoint(join(path, "x.safetensors"), { activation: "gelu" });
    await expect(promise).rejects.toMatchObject({ name: "CheckpointError", code });
    await expect(promise).rejects.toThrow(/config\.json/);
  });
});

describe("tokenizer.json", () => {
  const files = { "model.safetensors": golden("micro.hf"), "tokenizer.json": "{}" };

  it("beside the weights is read when it is asked for", async () => {
    const path = await directory({ ...files, "config.json": clipConfig });
    for (const source of [path, join(path, "model.safetensors")]) {
      const checkpoint = await openCheckpoint(source);
      expect(await checkpoint.tokenizerJson()).toBe("{}");
      await checkpoint.close();
    }
  });

  it("is none where there is none, and where nothing is to be looked for", async () => {
    const path = await directory(files);
    const { "model.safetensors": weights } = files;
    const bare = await directory({ "model.safetensors": weights });
    for (const [source, config] of [
      [bare, undefined],
      [path, null],
      [weights, undefined],
    ] as const) {
      const options = config === undefined ? {} : { config };
      const checkpoint = await openCheckpoint(source, { ...options, activation: "gelu" });
      expect(await checkpoint.tokenizerJson()).toBeUndefined();
      await checkpoint.close();
    }
  });
});
