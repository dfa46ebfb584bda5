/**
 * Text-to-image search: rank the pictures of the embedded gallery by a text. The pictures' embeddings are ready-made,
 * as they would be in an index of your own.
 *
 *   node search.mjs "a small blue star"
 */
import { readFile } from "node:fs/promises";
import { onnx } from "@textower/backend-onnx";
import { shapesModel } from "@textower/model-shapes";
import { fileSource, openTensorFile, readTensor } from "@textower/weights";
import * as ort from "onnxruntime-node";
import { createTextEncoder, similarity } from "textower";

const query = process.argv[2] ?? "a small blue star";

const pictures = JSON.parse(await readFile(shapesModel.gallery, "utf8"));
const file = await openTensorFile(await fileSource(shapesModel.galleryEmbeddings));
const { data, shape } = await readTensor(file, "image_embeddings"); // [pictures, embedDim]
await file.close();
const images = pictures.map((_, i) => data.subarray(i * shape[1], (i + 1) * shape[1]));

const encoder = await createTextEncoder({ model: "shapes", backend: onnx({ ort }) });
const { embeddings } = await encoder.encode(query);
const [scores] = similarity(embeddings, images);
await encoder.dispose();

const ranked = pictures
  .map((picture, i) => ({ ...picture, score: scores[i] }))
  .sort((a, b) => b.score - a.score);
for (const { score, file, caption } of ranked.slice(0, 5)) console.log(score.toFixed(3), file, caption);
