/**
 * Encoding prompts, beside the peers: the same synthetic ViT-B/32 checkpoint, prompts and threads, interleaved rounds
 * in one process, medians. README.md in the folder above says what is compared with what.
 *
 *   node encode/run.mjs [--rounds 5] [--only prompt,captions,head] [--contestants textower-wasm,…] [--threads 2]
 *                       [--captions 256] [--classes 25] [--sample 128] [--prompts FILE] [--json FILE]
 */
import { writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { createTokenizer } from "@textower/tokenizer";
import { vitB32Checkpoint } from "../checkpoint.mjs";
import { checkAgreement } from "./agreement.mjs";
import { compare } from "./compare.mjs";
import { makers } from "./contestants/index.mjs";
import { peerModel } from "./peer-model.mjs";
import { table } from "./table.mjs";
import { makeWorks, workNames } from "./works.mjs";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: workNames.join() },
    contestants: { type: "string", default: Object.keys(makers).join() },
    threads: { type: "string", default: "2" },
    captions: { type: "string", default: "256" },
    classes: { type: "string", default: "25" },
    sample: { type: "string", default: "128" },
    prompts: { type: "string" },
    json: { type: "string" },
  },
});
const rounds = Number(options.rounds);
const threads = Number(options.threads);
const chosen = listOf(options.contestants, Object.keys(makers), "contestants");
const tokenizer = createTokenizer();
const works = makeWorks({
  names: listOf(options.only, workNames, "only"),
  threads,
  captions: Number(options.captions),
  classes: Number(options.classes),
  sample: Number(options.sample),
  promptsFile: options.prompts,
  idsOf: (text) => tokenizer.encode(text, { truncate: true }).ids,
});

const models = { checkpoint: vitB32Checkpoint() };
models.peer = await peerModel(models.checkpoint);
const machine = {
  cpu: cpus()[0].model,
  cores: cpus().length,
  memoryGB: Math.round(totalmem() / 1e9),
  node: process.versions.node,
  v8: process.versions.v8,
};
const { json, ...settings } = options;
const report = { date: new Date().toISOString(), machine, settings, contestants: {}, works: {} };
let failures = 0;
console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${rounds} rounds\n`);

/** Contestants that exist already, by name and threads. */
const made = new Map();
for (const work of works) {
  for (const { contestant, threads } of work.entries) {
    if (chosen.includes(contestant)) await meet(contestant, threads);
  }
}
const contestantOf = ({ contestant, threads }) => made.get(keyOf(contestant, threads))?.value;
for (const { name, ...work } of works) {
  console.log(`\n${work.title}`);
  const compared = await compare(work, contestantOf, rounds);
  console.log(`${compared.prompts} prompts, ${compared.tokens} tokens, at most ${compared.longest}\n`);
  console.log(table(compared.results));
  report.works[name] = compared;
}
report.peakMemoryMB = Math.round(process.resourceUsage().maxRSS / 1024);
if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
for (const { value } of made.values()) await value?.dispose();
process.exit(failures > 0 ? 1 : 0); // onnxruntime-web's threads would keep the process

/** Makes a contestant unless it is there, and compares it with the reference. One that cannot be made is left out. */
async function meet(name, threads) {
  const key = keyOf(name, threads);
  if (made.has(key)) return;
  let value;
  try {
    value = await makers[name]({ ...models, threads });
    made.set(key, { value });
    const { runtime, notes } = value;
    const difference = await checkAgreement(value, models.checkpoint, tokenizer);
    report.contestants[key] = { runtime, threads: value.threads, notes, difference };
    const { greatest, leastCosine } = difference;
    console.log(`${key}: ${runtime}`);
    if (value.threads !== threads) console.log(`  it runs on ${count(value.threads, "thread")}`);
    for (const note of notes) console.log(`  ${note}`);
    console.log(
      `  differs from the reference by at most ${greatest.toExponential(1)}, cosine ${leastCosine.toFixed(7)}`,
    );
  } catch (error) {
    failures++;
    await value?.dispose();
    made.set(key, {});
    report.contestants[key] = { failed: String(error) };
    console.log(`${key}: left out, ${error.stack}`);
  }
}

function keyOf(name, threads) {
  return `${name}, ${count(threads, "thread")}`;
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function listOf(given, known, option) {
  const names = given.split(",");
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new RangeError(`--${option}: expected some of ${known.join(", ")}, got ${unknown}`);
}
