/**
 * A classifier from class names: which shape is on each picture of the gallery? No picture is needed to make it, and it goes
 * into a file of a few kilobytes.
 *
 *   node classify.mjs
 */
import { readFile } from "node:fs/promises";
import { shapesModel } from "@textower/model-shapes";
import { fileSource, openTensorFile, readTensor } from "@textower/weights";
import { buildZeroShotHead, readZeroShotHead, writeZeroShotHead } from "@textower/zero-shot";
import { createTextEncoder } from "textower";

// Pictures of one shape, and their embeddings, ready-made.
const gallery = JSON.parse(await readFile(shapesModel.gallery, "utf8"));
const file = await openTensorFile(await fileSource(shapesModel.galleryEmbeddings));
const { data, shape } = await readTensor(file, "image_embeddings"); // [pictures, embedDim]
await file.close();
const pictures = gallery
  .map((entry, i) => ({ ...entry, embedding: data.subarray(i * shape[1], (i + 1) * shape[1]) }))
  .filter((entry) => entry.shape !== null);

const encoder = await createTextEncoder({ model: "shapes" });
const built = await buildZeroShotHead(encoder, {
  classes: [...new Set(pictures.map((picture) => picture.shape))],
  templates: ["a {}", "a photo of a {}", "a small {}", "a large {}"],
});
await encoder.dispose();
const { prompts, tokens, rows, paddedRows } = built.cost;
console.log(`${prompts} prompts of ${tokens} tokens in ${rows} rows, ${paddedRows} if they were padded`);

// What a server would load at its start.
const bytes = writeZeroShotHead(built);
const head = await readZeroShotHead(bytes);
const predictions = head.classify(
  pictures.map((picture) => picture.embedding),
  { topK: 2 },
);

for (const [i, [first, second]] of predictions.slice(0, 5).entries()) {
  const guess = ({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`;
  console.log(`${pictures[i].file}: ${guess(first)}, ${guess(second)} (${pictures[i].caption})`);
}
const right = predictions.filter(([best], i) => best.label === pictures[i].shape).length;
console.log(`${right} of ${pictures.length} right, with a file of ${bytes.length} bytes`);
