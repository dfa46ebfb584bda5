// Throughput of @textower/tokenizer beside @huggingface/tokenizers and clip-bpe-js, in one process, rounds interleaved.
//   node tokenizer/run.mjs [--rounds 5] [--captions 10000] [--json FILE]
// Every contestant encodes the same captions to ids with start and end; the ids are compared before anything is timed.
// Before each round each contestant gets a tokenizer of its own, fresh, so that no cache has seen a word of it; making it is not
// timed. One of ours has its word cache off altogether.

import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";

import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { clipVocabulary, createTokenizer } from "@textower/tokenizer";
import ClipBpe from "clip-bpe-js";

import { distinctCaptions, usualCaptions } from "./captions.mjs";
import { tokenizerJson } from "./tokenizer-json.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    captions: { type: "string", default: "10000" },
    json: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const count = Number(values.captions);

clipVocabulary(); // unpacked once per process
const json = tokenizerJson();

/** Name → a function that makes a fresh encoder. */
const contestants = {
  "textower, cache off": () => {
    const tokenizer = createTokenizer({ cacheWords: 0 });
    return (caption) => tokenizer.encode(caption, { truncate: true }).ids;
  },
  "textower, cache empty": () => {
    const tokenizer = createTokenizer();
    return (caption) => tokenizer.encode(caption, { truncate: true }).ids;
  },
  "@huggingface/tokenizers": () => {
    const tokenizer = new HuggingFaceTokenizer(json, {});
    return (caption) => tokenizer.encode(caption).ids;
  },
  "clip-bpe-js": () => {
    const tokenizer = new ClipBpe();
    return (caption) => [49406, ...tokenizer.encode(caption), 49407];
  },
};
const names = Object.keys(contestants);

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

function measure(captions) {
  const makeAll = () => names.map((name) => contestants[name]());
  const [ours, ...others] = makeAll();
  for (const caption of captions.slice(0, 1000)) {
    const expected = ours(caption).join();
    for (const [i, other] of others.entries()) {
      if (other(caption).join() !== expected) throw new Error(`${names[i + 1]}: other ids for ${caption}`);
    }
  }
  const times = names.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const encoders = makeAll();
    for (let turn = 0; turn < names.length; turn++) {
      const i = (turn + round) % names.length; // each goes first once in a while
      const encode = encoders[i];
      globalThis.gc?.();
      const begin = performance.now();
      for (const caption of captions) encode(caption);
      times[i].push(performance.now() - begin);
    }
  }
  return times.map((each) => median(each)); // [names] ms
}

const machine = `${cpus()[0].model}, ${cpus().length} cores, Node ${process.versions.node}`;
console.log(`${count} captions, medians of ${rounds} interleaved rounds, one thread; ${machine}`);
const report = { machine, captions: count, rounds, results: {} };
for (const [kind, captions] of [
  ["no word twice (no cache can hit)", distinctCaptions(count)],
  ["usual captions (every library's own cache starts empty)", usualCaptions(count)],
]) {
  const milliseconds = measure(captions);
  const fastest = Math.min(milliseconds[0], milliseconds[1]);
  console.log(`\n${kind}, e.g. "${captions[0]}"`);
  console.table(
    Object.fromEntries(
      names.map((name, i) => [
        name,
        {
          ms: Number(milliseconds[i].toFixed(1)),
          "captions/s": Math.round((count / milliseconds[i]) * 1000),
          "textower, cache off, is faster by": Number((milliseconds[i] / milliseconds[0]).toFixed(2)),
          "textower's better is faster by": Number((milliseconds[i] / fastest).toFixed(2)),
        },
      ]),
    ),
  );
  report.results[kind] = Object.fromEntries(
    names.map((name, i) => [name, { milliseconds: milliseconds[i] }]),
  );
}
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
