/**
 * A whole zero-shot head: 1,000 classes × 80 templates through `buildZeroShotHead`, as a user calls it. Prompts a second, rows that
 * were computed, and the most memory that the process held.
 *
 *   node zero-shot/head.mjs [--model shapes|vit-b-32] [--classes 1000] [--templates 80] [--threads 2] [--max-rows N]
 *                           [--prompts FILE] [--json FILE]
 *
 * FILE has `classnames` and `templates`, as OpenAI's notebook lists them. Without one, names and sentences are made up.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { wasm } from "@textower/backend-wasm";
import { buildZeroShotHead } from "@textower/zero-shot";
import { createTextEncoder } from "textower";
import { vitB32Checkpoint } from "../checkpoint.mjs";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "shapes" },
    classes: { type: "string", default: "1000" },
    templates: { type: "string", default: "80" },
    threads: { type: "string", default: "2" },
    "max-rows": { type: "string" },
    prompts: { type: "string" },
    json: { type: "string" },
  },
});
const lists = values.prompts === undefined ? madeUp() : JSON.parse(readFileSync(values.prompts, "utf8"));
const classes = lists.classnames.slice(0, Number(values.classes));
const templates = lists.templates.slice(0, Number(values.templates));

const encoder = await createTextEncoder({
  ...(values.model === "shapes"
    ? { model: "shapes" }
    : { model: vitB32Checkpoint(), activation: "quick_gelu" }),
  backend: wasm({ threads: Number(values.threads) }),
  ...(values["max-rows"] !== undefined && { maxRows: Number(values["max-rows"]) }),
});
await encoder.encode(["a dog", "a cat"]); // kernels are compiled by now
const opened = process.memoryUsage.rss();

let nextLine = 0;
const { cost } = await buildZeroShotHead(encoder, {
  classes,
  templates,
  logitScale: Math.log(100),
  onProgress({ done, total, rows }) {
    if (done < nextLine && done < total) return;
    nextLine += total / 10;
    console.error(`${done} of ${total} prompts, ${rows} rows`);
  },
});
await encoder.dispose();

const peak = process.resourceUsage().maxRSS * 1024;
const result = {
  node: process.version,
  model: values.model,
  threads: encoder.info.threads,
  maxRows: encoder.info.maxRows,
  classes: classes.length,
  templates: templates.length,
  prompts: cost.prompts,
  tokens: cost.tokens,
  paddedRows: cost.paddedRows,
  rows: cost.rows,
  seconds: +cost.seconds.toFixed(1),
  promptsPerSecond: Math.round(cost.prompts / cost.seconds),
  peakMB: Math.round(peak / 1e6),
  peakAboveModelMB: Math.round((peak - opened) / 1e6),
};
console.log(result);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);

/** Names of two or three words, and sentences with room for one. */
function madeUp() {
  const kinds = "fox owl toad heron beetle otter magpie lynx perch newt".split(" ");
  const looks = "red spotted giant dwarf northern golden striped common arctic river".split(" ");
  const more = "young old tame wild sleepy grey painted lesser great plain".split(" ");
  const classnames = more.flatMap((a) => looks.flatMap((b) => kinds.map((c) => `${a} ${b} ${c}`)));
  const media = "photo drawing sketch painting sculpture cartoon rendering tattoo".split(" ");
  const views = ["bad", "good", "bright", "dark", "cropped", "blurry", "close-up", "small", "clean", "low"];
  const templates = media.flatMap((medium) => views.map((view) => `a ${view} ${medium} of a {}.`));
  return { classnames, templates };
}
