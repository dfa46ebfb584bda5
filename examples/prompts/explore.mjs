/**
 * Prompt engineering: how prompts compare, what becomes of them when they are added and taken from one another, and which words an
 * embedding is nearest to.
 *
 *   node explore.mjs
 */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import {
  buildWordHead,
  mix,
  nearestWords,
  renderSimilarityMatrix,
  renderTokenView,
  similarityMatrix,
  slerp,
  tokenView,
  vocabularyWords,
} from "@textower/prompts";
import { readZeroShotHead, writeZeroShotHead } from "@textower/zero-shot";
import { createTextEncoder, similarity } from "textower";

const encoder = await createTextEncoder({ model: "shapes" });
const prompts = ["a red circle", "a blue circle", "a blue star", "a red star", "two green hearts"];
const { embeddings } = await encoder.encode(prompts);
const [redCircle, blueCircle, blueStar] = embeddings;
const show = (what, vector) => {
  const [scores] = similarity([vector], embeddings);
  const best = scores.indexOf(Math.max(...scores));
  console.log(`${what} is nearest to "${prompts[best]}" (${scores[best].toFixed(3)})`);
};

console.log(renderSimilarityMatrix(similarityMatrix(embeddings, prompts)));

show(
  "red circle − blue circle + blue star",
  mix([
    [redCircle, 1],
    [blueCircle, -1],
    [blueStar, 1],
  ]),
);
for (const t of [0.1, 0.9])
  show(`${t} of the way from red circle to blue star`, slerp(redCircle, blueStar, t));

// The frequent words of the vocabulary, in a file when there is a place for it: node explore.mjs words.safetensors
const path = process.argv[2];
const words =
  path !== undefined && existsSync(path)
    ? await readZeroShotHead(await readFile(path))
    : await buildWordHead(encoder, {
        words: vocabularyWords(encoder.tokenizer).slice(0, 3000),
        template: "a {}",
      });
if (path !== undefined) await writeFile(path, writeZeroShotHead(words));
const near = nearestWords(words, redCircle, { topK: 5 });
console.log(`a red circle says: ${near.map(({ word }) => word).join(", ")}\n`);

console.log(renderTokenView(tokenView(encoder.tokenizer, "A magnificently red circle")));
await encoder.dispose();
