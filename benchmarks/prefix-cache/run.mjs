/**
 * What a prefix cache saves: one more word after a prefix of 20 tokens, with the cache and without, interleaved, on a
 * ViT-B/32 tower. Each prompt is new; only its beginning is known.
 *
 *   node prefix-cache/run.mjs [--rounds 20] [--threads 2] [--json FILE]
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { wasm } from "@textower/backend-wasm";
import { createTextEncoder } from "textower";
import { vitB32Checkpoint } from "../checkpoint.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    threads: { type: "string", default: "2" },
    json: { type: "string" },
  },
});
const options = { model: vitB32Checkpoint(), activation: "quick_gelu" };
const backend = wasm({ threads: Number(values.threads) });
const plain = await createTextEncoder({ ...options, backend });
const cached = await createTextEncoder({ ...options, backend, prefixCache: 64 * 2 ** 20 });

const beginning = "a photo of a small brown dog that runs along the beach in the evening with a red ball in";
const words =
  "its his her the any our one two her a all most some no each every both such their my your".split(" ");
const prompts = words.map((word, i) => `${beginning} ${word} ${words[(i * 7) % words.length]}`);
const prefixTokens = plain.tokenizer.count(beginning) - 1;
await cached.encode(beginning);

const times = { plain: [], cached: [] };
let difference = 0;
for (let round = 0; round < Number(values.rounds); round++) {
  const prompt = `${prompts[round % prompts.length]} ${round}`;
  const known = prompt.slice(0, prompt.lastIndexOf(" "));
  await cached.encode(known); // typed before
  const before = performance.now();
  const a = await plain.encode(prompt);
  const between = performance.now();
  const b = await cached.encode(prompt);
  times.plain.push(between - before);
  times.cached.push(performance.now() - between);
  a.data.forEach((value, i) => (difference = Math.max(difference, Math.abs(value - b.data[i]))));
}
await plain.dispose();
await cached.dispose();

const median = (list) => list.toSorted((x, y) => x - y)[list.length >> 1];
const result = {
  node: process.version,
  device: plain.info.device,
  threads: plain.info.threads,
  prefixTokens,
  plainMs: +median(times.plain).toFixed(1),
  cachedMs: +median(times.cached).toFixed(1),
  ratio: +(median(times.plain) / median(times.cached)).toFixed(2),
  greatestDifference: difference,
};
console.table([result]);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ ...result, times }, undefined, 1));
