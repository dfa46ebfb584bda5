/**
 * The AI SDK on an encoder of one's own: captions are embedded together, and a wish finds those nearest to it.
 *
 *   node recommend.mjs "something round and red"
 */
import { embeddingModel } from "@textower/ai-sdk";
import { cosineSimilarity, embed, embedMany } from "ai";
import { createTextEncoder } from "textower";

const wish = process.argv[2] ?? "one large red circle";
const values = ["red", "green", "blue"].flatMap((color) =>
  ["circle", "star", "square"].map((shape) => `a ${color} ${shape}`),
);

const encoder = await createTextEncoder({ model: "shapes" });
const model = embeddingModel(encoder);
const { embeddings, usage } = await embedMany({ model, values });
const { embedding } = await embed({ model, value: wish });
await encoder.dispose();

const ranked = values
  .map((value, i) => ({ value, score: cosineSimilarity(embeddings[i], embedding) }))
  .sort((a, b) => b.score - a.score);
console.log(`${values.length} captions, ${usage.tokens} tokens`);
for (const { value, score } of ranked.slice(0, 3)) console.log(score.toFixed(3), value);
