/**
 * Time of one run of a ViT-B/32 text tower on the WebAssembly backend, with made-up weights: one prompt of 7 tokens,
 * and packed runs of more rows.
 *
 *   node benchmarks/wasm/tower.mjs [threads] [precision] [architecture] [variant]
 */
import { wasm } from "../../packages/backend-wasm/dist/index.js";
import { architecture, buildTextEncoder } from "../../packages/model/dist/index.js";
import { chains, madeUpWeights } from "./synthetic.mjs";

const [threads = "1", precision = "float32", name = "ViT-B-32", variant = "auto"] = process.argv.slice(2);
const descriptor = architecture(name, "quick_gelu");
const graph = buildTextEncoder(descriptor);

/** Multiply-adds of the linears, times two. */
function flops(rows, prompts) {
  const { width, layers, mlpWidth, embedDim } = descriptor;
  const block = width * (4 * width + 2 * mlpWidth);
  const last = rows * 2 * width * width + prompts * width * (2 * width + 2 * mlpWidth);
  return 2 * (rows * (layers - 1) * block + last + prompts * width * embedDim);
}

const began = performance.now();
const executable = await wasm({ threads: Number(threads), variant }).compile(graph, madeUpWeights(graph), {
  precision,
});
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
  const given = chains(descriptor.width, prompts, tokens);
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
