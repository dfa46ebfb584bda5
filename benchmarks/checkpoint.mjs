/**
 * A whole CLIP checkpoint of ViT-B/32's shape with synthetic weights, 605 MB in float32, in OpenAI's names: the text
 * tower by the rule of the golden data, a vision tower of the real size beside it. Made once, kept in `.cache/`.
 */
import { existsSync, mkdirSync, openSync, closeSync, renameSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { syntheticSpec, syntheticValues } from "@textower/conformance";
import { architecture } from "@textower/model";
import { safetensorsHeader } from "@textower/weights";

const folder = new URL("./.cache/", import.meta.url);

/** @returns {string} path of the file */
export function vitB32Checkpoint() {
  const path = fileURLToPath(new URL("vit-b-32.safetensors", folder));
  if (existsSync(path)) return path;
  const descriptor = architecture("ViT-B-32", "quick_gelu");
  const tensors = new Map();
  for (const [pattern, entry] of Object.entries(syntheticSpec(descriptor))) {
    const layers = pattern.includes("*") ? descriptor.layers : 1;
    for (let layer = 0; layer < layers; layer++) tensors.set(pattern.replace("*", layer), entry);
  }
  for (const [name, shape] of visionShapes())
    tensors.set(`visual.${name}`, { shape, mean: 0, halfRange: 0.03 });

  mkdirSync(folder, { recursive: true });
  const { bytes, order, fileBytes } = safetensorsHeader(
    Array.from(tensors, ([name, { shape }]) => ({ name, dtype: "F32", shape })),
  );
  console.error(`making ${path}, ${(fileBytes / 1e6).toFixed(0)} MB …`);
  const file = openSync(`${path}.part`, "w");
  writeSync(file, bytes);
  for (const { name, byteLength } of order) {
    // In pieces: the largest tensor alone has 100 MB.
    for (let begin = 0, end = byteLength / 4; begin < end; begin += 1 << 22) {
      writeSync(file, syntheticValues(name, tensors.get(name), begin, Math.min(end, begin + (1 << 22))));
    }
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
  return path;
}

/** ViT-B/32's image tower: width 768, 12 blocks, 50 positions, 32 × 32 patches (openai/CLIP, `clip/model.py`). */
function* visionShapes() {
  yield ["class_embedding", [768]];
  yield ["positional_embedding", [50, 768]];
  yield ["proj", [768, 512]];
  yield ["conv1.weight", [768, 3, 32, 32]];
  for (const norm of ["ln_pre", "ln_post"])
    yield* [
      [`${norm}.weight`, [768]],
      [`${norm}.bias`, [768]],
    ];
  for (let layer = 0; layer < 12; layer++) {
    const block = `transformer.resblocks.${layer}`;
    for (const norm of ["ln_1", "ln_2"])
      yield* [
        [`${block}.${norm}.weight`, [768]],
        [`${block}.${norm}.bias`, [768]],
      ];
    yield [`${block}.attn.in_proj_weight`, [2304, 768]];
    yield [`${block}.attn.in_proj_bias`, [2304]];
    yield [`${block}.attn.out_proj.weight`, [768, 768]];
    yield [`${block}.attn.out_proj.bias`, [768]];
    yield [`${block}.mlp.c_fc.weight`, [3072, 768]];
    yield [`${block}.mlp.c_fc.bias`, [3072]];
    yield [`${block}.mlp.c_proj.weight`, [768, 3072]];
    yield [`${block}.mlp.c_proj.bias`, [768]];
  }
}
