/**
 * Throughput, memory and accuracy of the ViT-B/32 text tower: 63.4 M parameters, of which 38.1 M (152 MB) are in the
 * graph. Weights are synthetic, the source keeps none of them; peak memory is that of the whole process.
 *
 *     node scripts/measure.mjs [--weights shared|packed] [--threads 2] [--rows 16,64,128] [--seconds 2]
 *                              [--ort node|web] [--session '{"enableCpuMemArena":false}'] [--golden]
 *
 * Rows are captions of 16 tokens that share nothing. `cpu` is the processor time of a run over all threads, which
 * depends less on what else the machine does.
 */
import { parseArgs } from "node:util";
import { onnx } from "@textower/backend-onnx";
import { difference, loadGolden, syntheticWeights, towerInputs } from "@textower/conformance";
import { tensor } from "@textower/graph";
import { buildTextEncoder, packRows, planRuns } from "@textower/model";

const { values: args } = parseArgs({
  options: {
    weights: { type: "string" },
    threads: { type: "string", default: "2" },
    rows: { type: "string", default: "16,32,64,96,128,192,256,384,512" },
    seconds: { type: "string", default: "2" },
    ort: { type: "string", default: "node" },
    session: { type: "string", default: "{}" },
    golden: { type: "boolean", default: false },
  },
});
const threads = Number(args.threads);
const ort = await import(args.ort === "web" ? "onnxruntime-web" : "onnxruntime-node");
if (args.ort === "web") ort.env.wasm.numThreads = threads;
const how = args.weights === undefined ? {} : { weights: args.weights };

const { descriptor, spec, tokens, embeddings } = await loadGolden("vit-b-32");
const weights = syntheticWeights(spec);
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
const memory = () =>
  `rss ${megabytes(process.memoryUsage.rss())}, peak ${megabytes(process.resourceUsage().maxRSS * 1024)}`;
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

console.log(`before: ${memory()}`);
const start = performance.now();
const backend = onnx({ ort, threads, ...how, sessionOptions: JSON.parse(args.session) });
const executable = await backend.compile(buildTextEncoder(descriptor), weights);
console.log(`compiled in ${(performance.now() - start).toFixed(0)} ms: ${memory()}`);
console.log(JSON.stringify(executable.info));

/** Inputs of `rows` rows; the last caption may be cut short. */
function inputsOf(rows) {
  const length = 16;
  const positions = Int32Array.from({ length: rows }, (_, i) => i % length);
  const parents = positions.map((position, i) => (position === 0 ? -1 : i - 1));
  const prompts = Math.ceil(rows / length);
  const pooled = Int32Array.from({ length: prompts }, (_, i) => Math.min(rows, (i + 1) * length) - 1);
  const ids = Int32Array.from({ length: rows }, (_, i) => (i * 7919) % descriptor.vocabSize);
  return {
    tokens: tensor("float32", [rows, descriptor.width], weights.tokenRows(ids)),
    positions: tensor("int32", [rows], positions),
    parents: tensor("int32", [rows], parents),
    pooled: tensor("int32", [prompts], pooled),
  };
}

for (const rows of args.rows.split(",").filter(Boolean).map(Number)) {
  const inputs = inputsOf(rows);
  for (let i = 0; i < 3; i++) await executable.run(inputs);
  const times = [];
  const cpu = [];
  const end = performance.now() + 1000 * Number(args.seconds);
  while (performance.now() < end) {
    const before = process.cpuUsage();
    const begin = performance.now();
    await executable.run(inputs);
    times.push(performance.now() - begin);
    const { user, system } = process.cpuUsage(before);
    cpu.push((user + system) / 1000);
  }
  const time = median(times);
  const rate = (ms) => ((1000 * rows) / ms).toFixed(0);
  console.log(
    `${rows} rows: median ${time.toFixed(1)} ms, ${rate(time)} rows/s (best ${rate(times[0])}); ` +
      `cpu ${median(cpu).toFixed(1)} ms (best ${cpu[0].toFixed(1)}); ${memory()}`,
  );
}

if (args.golden) {
  const sequences = tokens.map((ids) => ({ ids }));
  let largest = 0;
  for (const { sequences: run, answers } of planRuns(sequences, 128)) {
    const { embedding } = await executable.run(towerInputs(packRows(run), weights, descriptor.width));
    answers.forEach((prompts, row) => {
      const width = descriptor.embedDim;
      const actual = embedding.data.subarray(row * width, (row + 1) * width);
      for (const prompt of prompts)
        largest = Math.max(largest, difference(actual, embeddings[prompt], width).maxAbs);
    });
  }
  console.log(`golden vit-b-32, ${tokens.length} prompts: max abs difference ${largest.toExponential(2)}`);
}
await executable.dispose();
