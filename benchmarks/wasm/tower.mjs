/**
 * Time of one run of a ViT-B/32 text tower on the WebAssembly backend, with made-up weights: one prompt of 7 tokens,
 * and packed runs of more rows.
 *
 *   node benchmarks/wasm/tower.mjs [threads] [precision] [architecture] [variant]
 */
import { wasm } from "../../packages/backend-wasm/dist/index.js";
import { tensor } from "../../packages/graph/dist/index.js";
import { architecture, buildTextEncoder } from "../../packages/model/dist/index.js";

const [threads = "1", precision = "float32", name = "ViT-B-32", variant = "auto"] = process.argv.slice(2);
const descriptor = architecture(name, "quick_gelu");
const graph = buildTextEncoder(descriptor);

/** Any small numbers do: time does not depend on them. */
const weights = {
  read(source) {
    const { shape } = graph.nodes.find((node) => node.op === "weight" && node.source === source);
    const rows = graph.nodes.filter((node) => node.op === "weight" && node.source === source);
    const largest = Math.max(...rows.map((node) => node.shape[0]));
    const count = shape.slice(1).reduce((a, b) => a * b, largest);
    const data = new Float32Array(count);
    for (let i = 0; i < count; i++) data[i] = ((i * 2654435761) % 1024) / 16384 - 1 / 32;
    return Promise.resolve(tensor("float32", [largest, ...shape.slice(1)], data));
  },
};
weights.read = ((read) => async (source, range) => {
  const whole = await read(source);
  if (range === undefined) return whole;
  const width = whole.data.length / whole.shape[0];
  const data = new Float32Array((range.end - range.begin) * width);
  for (let i = 0; i < data.length; i++) data[i] = ((i * 2654435761) % 1024) / 16384 - 1 / 32;
  return tensor("float32", [range.end - range.begin, ...whole.shape.slice(1)], data);
})(weights.read);

/** `prompts` chains of `tokens` rows. */
function inputs(prompts, tokens) {
  const rows = prompts * tokens;
  const list = (length, make) =>
    tensor(
      "int32",
      [length],
      Int32Array.from({ length }, (_, i) => make(i)),
    );
  const data = Float32Array.from({ length: rows * descriptor.width }, (_, i) => Math.sin(i * 0.37));
  return {
    tokens: tensor("float32", [rows, descriptor.width], data),
    positions: list(rows, (i) => i % tokens),
    parents: list(rows, (i) => (i % tokens === 0 ? -1 : i - 1)),
    pooled: list(prompts, (i) => i * tokens + tokens - 1),
  };
}

/** Multiply-adds of the linears, times two. */
function flops(rows, prompts) {
  const { width, layers, mlpWidth, embedDim } = descriptor;
  const block = width * (4 * width + 2 * mlpWidth);
  const last = rows * 2 * width * width + prompts * width * (2 * width + 2 * mlpWidth);
  return 2 * (rows * (layers - 1) * block + last + prompts * width * embedDim);
}

const began = performance.now();
const executable = await wasm({ threads: Number(threads), variant }).compile(graph, weights, { precision });
const { device, memoryBytes, notes } = executable.info;
console.log(
  `${name} on ${device}, ${executable.info.threads} thread(s), ${precision}, ${Math.round(memoryBytes / 2 ** 20)} MiB,`,
  `loaded in ${Math.round(performance.now() - began)} ms ${notes.join("; ")}`,
);
for (const [prompts, tokens] of [
  [1, 7],
  [1, 12],
  [8, 8],
  [16, 8],
  [32, 16],
]) {
  const given = inputs(prompts, tokens);
  for (let i = 0; i < 3; i++) await executable.run(given);
  const [times, cpuTimes] = [[], []];
  for (let i = 0; i < (prompts > 8 ? 12 : 40); i++) {
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    await executable.run(given);
    times.push(performance.now() - start);
    cpuTimes.push(process.cpuUsage(cpu).user / 1000);
  }
  for (const list of [times, cpuTimes]) list.sort((a, b) => a - b);
  const [best, median] = [times[0], times[times.length >> 1]];
  const rate = (ms) => (flops(prompts * tokens, prompts) / ms / 1e6).toFixed(1);
  console.log(
    `${String(prompts * tokens).padStart(4)} rows: best ${best.toFixed(2)} ms (${rate(best)} GFLOP/s), median ${median.toFixed(2)} ms (${rate(median)}), CPU best ${cpuTimes[0].toFixed(2)} ms (${rate(cpuTimes[0])})`,
  );
}
await executable.dispose();
