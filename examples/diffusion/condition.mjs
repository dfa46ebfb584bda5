/**
 * What the pipelines of Stable Diffusion take from a text tower, in the shapes that they expect. The tiny shapes model stands in
 * for the towers; with those of a pipeline the last number is 768 (1.x), 1024 (2.x), 2048 (XL).
 *
 *   node condition.mjs "a lighthouse at dawn"
 *   node condition.mjs "a lighthouse at dawn" stable-diffusion-v1-5/text_encoder
 */
import { openConditioningTower, openStableDiffusionXL } from "@textower/diffusion";
import { shapesModel } from "@textower/model-shapes";
import { writeSafetensors } from "@textower/weights";

const prompt = process.argv[2] ?? "a large red circle";
const model = process.argv[3] ?? shapesModel.model;
const prompts = [prompt, ""]; // the second for classifier-free guidance

for (const preset of ["sd1", "sd2"]) {
  const tower = await openConditioningTower(preset, { model });
  const { shape, data } = await tower.encode(prompts, { longText: "truncate" });
  await tower.dispose();
  // As a Python pipeline would load it: prompt_embeds.
  const bytes = writeSafetensors({ prompt_embeds: { dtype: "F32", shape, data } });
  console.log(`${preset}: prompt_embeds [${shape.join(", ")}], ${bytes.length} bytes as safetensors`);
}

const xl = await openStableDiffusionXL({ first: { model }, second: { model } });
const { shape, pooled } = await xl.encode(prompts, { longText: "truncate" });
await xl.dispose();
const pooledShape = [prompts.length, pooled.length / prompts.length];
console.log(`sdxl: prompt_embeds [${shape.join(", ")}], pooled_prompt_embeds [${pooledShape.join(", ")}]`);
