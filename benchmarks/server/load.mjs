/**
 * `textower serve` under load, beside the library on the same prompts: 64 clients on loopback, each sending its next
 * request when it has its answer, of 1 to 128 prompts. Library and server take turns, and ratios are of neighbouring
 * turns: a slow minute of the machine slows both.
 *
 * Clients compute on the same processors and are part of what a second has to suffice for. What they take of it is measured
 * beside; they compute as little as a client can (`connection.mjs`), and one answer in sixteen is parsed and looked at.
 *
 * `node server/load.mjs [--model shapes|vit-b-32] [--seconds 60] [--rounds 5] [--clients 64] [--threads 2]
 *   [--format mixed|base64|float] [--call 512] [--serve=FLAG …] [--json FILE]`
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { mixedCaptions } from "@textower/benchmark";
import { wasm } from "@textower/backend-wasm";
import { createTextEncoder } from "textower";
import { vitB32Checkpoint } from "../checkpoint.mjs";
import { metricsOf, startServer } from "./command.mjs";
import { Connection, postOf } from "./connection.mjs";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "shapes" },
    seconds: { type: "string", default: "60" },
    rounds: { type: "string", default: "5" },
    clients: { type: "string", default: "64" },
    threads: { type: "string", default: "2" },
    call: { type: "string", default: "512" },
    format: { type: "string", default: "mixed" },
    json: { type: "string" },
    serve: { type: "string", multiple: true, default: [] },
  },
});
const seconds = Number(options.seconds);
const clients = Number(options.clients);
/** Prompts of a request, and how many of a hundred requests have so many. */
const SIZES = [
  [1, 50],
  [4, 25],
  [16, 15],
  [48, 7],
  [128, 3],
];
const CAPTIONS = 4096;
/** Of the answers to as many requests, one is parsed. */
const PARSED = 16;
/** Formats of answers, in turns: OpenAI's clients ask for base64 unless they are told otherwise, most others for neither. */
const FORMATS = options.format === "mixed" ? ["base64", "float"] : [options.format];
const PATH = "/v1/embeddings";
/** Prompts of a call to the library: more share more. */
const CALL = Number(options.call);

const model =
  options.model === "shapes"
    ? { createOptions: { model: "shapes" }, flags: ["--model", "shapes"] }
    : {
        createOptions: { model: vitB32Checkpoint(), activation: "quick_gelu" },
        flags: ["--model", vitB32Checkpoint(), "--activation", "quick_gelu"],
      };

const encoder = await createTextEncoder({
  ...model.createOptions,
  backend: wasm({ threads: Number(options.threads) }),
});
const captions = mixedCaptions(CAPTIONS, (text) => encoder.tokenizer.count(text));
const requests = cutIntoRequests(captions);
const rounds = Number(options.rounds);
const turn = seconds / rounds;
const library = [];
const server = await serve();
await check(server);
await load(server, turn / 4); // engines compile what runs often: neither side is measured cold
await measureLibrary(turn / 4);
library.push(await measureLibrary(turn / 2));
const runs = [];
for (let round = 0; round < rounds; round++) {
  runs.push(await load(server, turn));
  library.push(await measureLibrary(turn / 2));
}
const metrics = await metricsOf(server.port);
await server.stop();
await encoder.dispose();
const limited = await serve(["--max-queued-prompts", "128"]);
const above = await load(limited, turn / 2);
await limited.stop();
report();

/** Requests over the captions, the sizes well mixed, the same on every run. */
function cutIntoRequests(texts) {
  const sizes = SIZES.flatMap(([size, share]) => Array.from({ length: share }, () => size));
  let state = 1;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647; // Park and Miller
  const all = [];
  for (let begin = 0; begin < texts.length;) {
    const size = sizes[Math.floor(random() * sizes.length)];
    all.push(texts.slice(begin, begin + size));
    begin += size;
  }
  return all;
}

/** Prompts a second of `encode`, many prompts a call: the best that it can do with them. */
async function measureLibrary(duration) {
  const calls = Array.from({ length: CAPTIONS / CALL }, (_, i) => captions.slice(i * CALL, (i + 1) * CALL));
  const [begin, cpu] = [performance.now(), process.cpuUsage()];
  let [i, done] = [0, 0];
  while (performance.now() - begin < duration * 1000) {
    const prompts = calls[i++ % calls.length];
    await encoder.encode(prompts);
    done += prompts.length;
  }
  const { user, system } = process.cpuUsage(cpu);
  return { rate: done / ((performance.now() - begin) / 1000), cpu: (user + system) / 1e6 / done };
}

function serve(flags = []) {
  const threads = ["--backend", "wasm", "--threads", options.threads];
  return startServer([...model.flags, "--name", "served", ...threads, ...flags, ...options.serve]);
}

/** Its vectors are the library's, or nothing is worth measuring. */
async function check({ port }) {
  const input = requests.find(({ length }) => length > 10);
  const { embeddings } = await encoder.encode(input);
  const connection = await Connection.open(port);
  const off = [];
  for (const encoding_format of ["base64", "float"]) {
    const request = postOf(port, PATH, { model: "served", input, encoding_format });
    for (const [index, vector] of vectorsOf((await connection.send(request)).body).entries())
      vector.forEach((value, at) => off.push(Math.abs(value - embeddings[index][at])));
  }
  connection.close();
  if (!(Math.max(...off) < 1e-5))
    throw new Error(`expected the library's vectors, got some ${Math.max(...off)} off`);
}

/** Vectors of an answer, in the order of the prompts. */
function vectorsOf(body) {
  const { data } = JSON.parse(body.toString());
  return data.map(({ index, embedding }, at) => {
    if (index !== at) throw new Error(`expected the vector of prompt ${at}, got that of ${index}`);
    const vector = Array.isArray(embedding)
      ? Float32Array.from(embedding)
      : new Float32Array(new Uint8Array(Buffer.from(embedding, "base64")).buffer);
    if (vector.length !== encoder.info.embedDim || !vector.every((value) => Number.isFinite(value)))
      throw new Error(`expected a vector of ${encoder.info.embedDim} numbers, got ${vector.length}`);
    return vector;
  });
}

/** Clients for some seconds. What is under way at the end is waited for, and counts with its time. */
async function load({ port }, duration) {
  const posts = FORMATS.map((encoding_format) =>
    requests.map((input) => postOf(port, PATH, { model: "served", input, encoding_format })),
  );
  const statuses = {};
  const latencies = [];
  let [next, prompts] = [0, 0];
  const connections = await Promise.all(Array.from({ length: clients }, () => Connection.open(port)));
  const before = await metricsOf(port);
  const [begin, ofClients] = [performance.now(), process.cpuUsage()];
  const client = async (connection) => {
    while (performance.now() - begin < duration * 1000) {
      const number = next++;
      const { length } = requests[number % requests.length];
      const sent = performance.now();
      const request = posts[number % FORMATS.length][number % requests.length];
      const { status, body, headers } = await connection.send(request);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 200) {
        latencies.push({ size: length, seconds: (performance.now() - sent) / 1000 });
        prompts += length;
        const parsed = number % PARSED === 0 ? vectorsOf(body).length : length;
        if (parsed !== length) throw new Error(`expected ${length} vectors, got ${parsed}`);
      } else if (status === 429) {
        // As clients should; a tenth of it, so that the limit stays under pressure.
        await new Promise((resolve) => setTimeout(resolve, Number(headers["retry-after"]) * 100));
      }
    }
  };
  await Promise.all(connections.map(client));
  const elapsed = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(ofClients);
  const after = await metricsOf(port);
  for (const connection of connections) connection.close();
  const cpu = (after.process_cpu_seconds_total - before.process_cpu_seconds_total) / prompts;
  const clientCpu = (user + system) / 1e6 / prompts;
  const memory = [before, after].map((metrics) => metrics.process_resident_memory_bytes);
  return { statuses, rate: prompts / elapsed, cpu, clientCpu, latencies, memory };
}

function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function sumOf(list) {
  const total = {};
  for (const statuses of list)
    for (const [status, count] of Object.entries(statuses)) total[status] = (total[status] ?? 0) + count;
  return total;
}

function report() {
  const latencies = runs.flatMap((run) => run.latencies);
  const seconds = latencies.map((each) => each.seconds);
  const neighbours = (key) => runs.map((_, i) => (library[i][key] + library[i + 1][key]) / 2);
  const ofLibrary = neighbours("rate").map((rate, i) => runs[i].rate / rate);
  const cpuOfLibrary = neighbours("cpu").map((cpu, i) => cpu / runs[i].cpu);
  const result = {
    node: process.version,
    model: options.model,
    threads: Number(options.threads),
    clients,
    seconds: turn * rounds,
    library,
    server: runs.map(({ rate, cpu, clientCpu }) => ({ rate, cpu, clientCpu })),
    ofLibrary,
    cpuOfLibrary,
    statuses: sumOf(runs.map(({ statuses }) => statuses)),
    latency: {
      p50: quantile(seconds, 0.5),
      p99: quantile(seconds, 0.99),
      p99OfSingles: quantile(
        latencies.filter(({ size }) => size === 1).map((each) => each.seconds),
        0.99,
      ),
    },
    promptsPerBatch: metrics.textower_batch_prompts_sum / metrics.textower_batch_prompts_count,
    rowsPerToken: metrics.textower_rows_total / metrics.textower_tokens_total,
    memory: runs.flatMap(({ memory }) => memory),
    aboveTheLimit: { statuses: above.statuses, promptsPerSecond: above.rate },
  };
  const list = (values, digits) => values.map((value) => value.toFixed(digits)).join(", ");
  const { p50, p99, p99OfSingles } = result.latency;
  const rates = (turns) => turns.map(({ rate }) => rate);
  const withMedian = (values) => `${list(values, 2)}; ${median(values).toFixed(2)}`;
  const rows = [
    [`library, ${CALL} prompts a call, prompts/s`, list(rates(library), 1)],
    ["server, prompts/s", list(rates(runs), 1)],
    ["prompts/s, server of library, by turns; median", withMedian(ofLibrary)],
    ["prompts per second of processor time, likewise", withMedian(cpuOfLibrary)],
    [
      "processor time a prompt, ms: library; server; clients",
      [library.map(({ cpu }) => cpu), runs.map(({ cpu }) => cpu), runs.map((run) => run.clientCpu)]
        .map((times) => (median(times) * 1000).toFixed(3))
        .join("; "),
    ],
    ["answers", JSON.stringify(result.statuses)],
    ["seconds: median, p99, p99 of single prompts", list([p50, p99, p99OfSingles], 3)],
    [
      "prompts a batch; rows a token",
      `${result.promptsPerBatch.toFixed(1)}; ${result.rowsPerToken.toFixed(2)}`,
    ],
    [
      "resident memory around each turn, MB",
      list(
        result.memory.map((bytes) => bytes / 1e6),
        0,
      ),
    ],
    ["where 128 prompts may wait", `${JSON.stringify(above.statuses)}, ${above.rate.toFixed(1)} prompts/s`],
  ];
  console.log(`| ${options.model}, ${clients} clients, ${result.seconds} s | |\n| --- | --- |`);
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(result, null, 2));
  const others = Object.keys(sumOf([result.statuses, above.statuses])).filter(
    (s) => s !== "200" && s !== "429",
  );
  if (others.length > 0 || result.statuses[429] !== undefined) process.exitCode = 1;
}
