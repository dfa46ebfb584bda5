/**
 * Search as you type over the pictures of the embedded gallery. Each key starts a call; the encoder works in a worker, so
 * that typing never waits for it, a call that is overtaken is dropped, and the prefix cache makes each key cost the new
 * words alone.
 */
import { shapesModel } from "@textower/model-shapes";
import { bufferSource, openTensorFile, readTensor } from "@textower/weights";
import { similarity } from "textower";
import { createWorkerTextEncoder, SupersededError } from "textower/worker";

const SHOWN = 12;
const query = document.querySelector("#query");
const status = document.querySelector("#status");
const results = document.querySelector("#results");

const [pictures, vectors, encoder] = await Promise.all([
  fetch(shapesModel.gallery).then((answer) => answer.json()),
  loadEmbeddings(shapesModel.galleryEmbeddings),
  createWorkerTextEncoder({ model: "shapes", prefixCache: 2 ** 24 }),
]);

query.addEventListener("input", () => void search(query.value));
query.disabled = false;
status.textContent = `${pictures.length} pictures, ${encoder.info.device}`;

async function search(text) {
  try {
    const { embeddings, rows } = await encoder.encode(text, { supersede: "search", longText: "truncate" });
    const [scores] = similarity(embeddings, vectors);
    show(scores);
    status.textContent = `“${text}”: ${rows} rows computed`;
  } catch (error) {
    if (!(error instanceof SupersededError)) status.textContent = String(error);
  }
}

function show(scores) {
  const ranked = pictures
    .map((picture, i) => ({ ...picture, score: scores[i] }))
    .sort((a, b) => b.score - a.score)
    .slice(0, SHOWN);
  results.replaceChildren(...ranked.map(asListItem));
}

function asListItem({ file, caption, score }) {
  const image = Object.assign(new Image(128, 128), {
    src: shapesModel.galleryImage(file).href,
    alt: caption,
  });
  const text = Object.assign(document.createElement("figcaption"), {
    textContent: `${score.toFixed(3)} ${caption}`,
  });
  const figure = document.createElement("figure");
  figure.append(image, text);
  const item = document.createElement("li");
  item.append(figure);
  return item;
}

/** The pictures' embeddings, one per picture. @returns {Promise<Float32Array[]>} */
async function loadEmbeddings(address) {
  const file = await openTensorFile(bufferSource(await (await fetch(address)).arrayBuffer()));
  const { data, shape } = await readTensor(file, "image_embeddings"); // [pictures, embedDim]
  return Array.from({ length: shape[0] }, (_, i) => data.subarray(i * shape[1], (i + 1) * shape[1]));
}
