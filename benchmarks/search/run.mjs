/**
 * The ten nearest of many vectors, one query at a time and 32 at once: `@textower/search`'s exact engine beside a plain loop and
 * usearch, exact and approximate, in turns, with the share of the nearest that each finds.
 *
 *   node search/run.mjs [--vectors 100000] [--dimension 512] [--rounds 5] [--threads 1] [--contestants NAME,…] [--json FILE]
 *
 * A million vectors of 512 are 2 GB for the loop and usearch's exact search together, and 2 GB for each other contestant.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { wasm } from "@textower/backend-wasm";
import { exactEngine, openEmbeddingIndex } from "@textower/search";
import { usearchEngine } from "@textower/search/usearch";
import * as usearch from "usearch";
import { vectorMaker } from "./vectors.mjs";

const { values } = parseArgs({
  options: {
    vectors: { type: "string", default: "100000" },
    dimension: { type: "string", default: "512" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: "1" },
    contestants: { type: "string", default: "loop,exact,exact-int8,usearch-exact,usearch" },
    json: { type: "string" },
  },
});
const [count, dimension, rounds, threads] = [
  values.vectors,
  values.dimension,
  values.rounds,
  values.threads,
].map(Number);
const names = values.contestants.split(",");
const TOP = 10;
const AT_ONCE = 32;
/** The loop takes so many of the 32, as its time a query does not depend on how many there are. */
const LOOP_QUERIES = 2;
const BLOCK = 10_000;

const makeQueries = vectorMaker(dimension, 2);
const queries = makeQueries(AT_ONCE);
const queryOf = (i) => queries.subarray(i * dimension, (i + 1) * dimension);

/** All vectors in one piece, for those that want them so; the rest is fed block by block. */
const dataset = new Float32Array(count * dimension); // [count, dimension]
const makeVectors = vectorMaker(dimension, 1);
for (let done = 0; done < count; done += BLOCK) {
  dataset.set(makeVectors(Math.min(BLOCK, count - done)), done * dimension);
}

function* blocks() {
  for (let done = 0; done < count; done += BLOCK) {
    const some = Math.min(BLOCK, count - done);
    yield { count: some, dimension, data: dataset.subarray(done * dimension, (done + some) * dimension) };
  }
}

/** name → { threads, note, search(how many queries) → [query][ids] } */
const contestants = {};
const opened = [];
async function addIndex(name, engine, note) {
  const index = await openEmbeddingIndex({ dimension, checkpoint: "made up", engine });
  opened.push(index);
  const begin = performance.now();
  await index.addBatches(blocks());
  await index.search([queryOf(0)], { topK: TOP }); // packs what is not yet
  const seconds = (performance.now() - begin) / 1000;
  const search = async (n) => {
    const hits = await index.search(
      Array.from({ length: n }, (_, i) => queryOf(i)),
      { topK: TOP },
    );
    return hits.map((list) => list.map(({ id }) => Number(id)));
  };
  contestants[name] = { search, threads, seconds, note };
}
const backend = wasm({ threads });
if (names.includes("exact")) await addIndex("exact", exactEngine({ backend }));
if (names.includes("exact-int8")) await addIndex("exact-int8", exactEngine({ backend, precision: "int8" }));
if (names.includes("usearch")) await addIndex("usearch", usearchEngine({ usearch }));
if (names.includes("usearch-exact")) {
  const { exactSearch, MetricKind } = usearch;
  const search = (n) => {
    const some = queries.subarray(0, n * dimension);
    const found = exactSearch(dataset, some, dimension, TOP, MetricKind.IP, threads);
    return Array.from({ length: n }, (_, i) => Array.from((n === 1 ? found : found.get(i)).keys, Number));
  };
  contestants["usearch-exact"] = { search, threads };
}
contestants.loop = {
  search: (n) => Array.from({ length: n }, (_, i) => nearestByLoop(queryOf(i))),
  threads: 1,
};

/** What one would write: a dot product in a loop, and the ten best so far, in order. */
function nearestByLoop(query) {
  const best = [];
  for (let row = 0; row < count; row++) {
    const base = row * dimension;
    let score = 0;
    for (let i = 0; i < dimension; i++) score += dataset[base + i] * query[i];
    if (best.length === TOP && score <= best[TOP - 1].score) continue;
    let at = best.length;
    while (at > 0 && best[at - 1].score < score) at--;
    best.splice(at, 0, { row, score });
    if (best.length > TOP) best.pop();
  }
  return best.map(({ row }) => row);
}

const truth = contestants.loop.search(AT_ONCE);
if (!names.includes("loop")) delete contestants.loop;
const order = names.filter((name) => contestants[name] !== undefined);
for (const name of order) {
  const found = await contestants[name].search(AT_ONCE);
  const hits = found.map((rows, i) => rows.filter((row) => truth[i].includes(row)).length);
  contestants[name].recall = hits.reduce((sum, n) => sum + n, 0) / (TOP * AT_ONCE);
  contestants[name].times = { one: [], many: [] };
}

for (let round = 0; round < rounds; round++) {
  for (const turn of order.keys()) {
    const name = order[(turn + round) % order.length];
    const { search, times } = contestants[name];
    times.one.push(await secondsPerQuery(search, 1));
    times.many.push(await secondsPerQuery(search, name === "loop" ? LOOP_QUERIES : AT_ONCE));
  }
}

async function secondsPerQuery(search, n) {
  const begin = performance.now();
  await search(n);
  return (performance.now() - begin) / 1000 / n;
}

const median = (list) => list.toSorted((x, y) => x - y)[list.length >> 1];
/** Times of a line over those of `exact`, round by round: what both had to bear in the same minute. */
const ratio = (name, kind) => {
  const exact = contestants.exact?.times[kind];
  return exact === undefined
    ? undefined
    : median(contestants[name].times[kind].map((time, i) => time / exact[i]));
};
const results = order.map((name) => {
  const { times, recall, seconds } = contestants[name];
  return {
    contestant: name,
    threads: contestants[name].threads,
    "recall@10": +recall.toFixed(3),
    "s to build": seconds === undefined ? undefined : +seconds.toFixed(1),
    "queries/s, one": +(1 / median(times.one)).toPrecision(3),
    "exact is faster by": +ratio(name, "one")?.toPrecision(2),
    "queries/s, 32 at once": +(1 / median(times.many)).toPrecision(3),
    "exact is faster by ": +ratio(name, "many")?.toPrecision(2),
  };
});
for (const index of opened) await index.close();
const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(
  `node ${process.version}, ${count} vectors of ${dimension}, ${rounds} rounds, peak ${megabytes} MB`,
);
console.table(results);
if (values.json !== undefined)
  writeFileSync(values.json, JSON.stringify({ node: process.version, count, dimension, results }));
