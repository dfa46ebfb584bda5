/**
 * Where the time of a run goes: each step of the program by itself, on one thread, summed by what it is. Matrix
 * products also as GFLOP/s. The peak of the same instructions is measured in the same process.
 *
 *   node benchmarks/wasm/profile.mjs [rows] [precision] [architecture]
 */
import { wasm } from "../../packages/backend-wasm/dist/index.js";
import { RECORD_BYTES, RECORD_OPERANDS, RECORD_UNITS } from "../../packages/backend-wasm/dist/record.js";
import { architecture, buildTextEncoder } from "../../packages/model/dist/index.js";
import { peakModule } from "./peak.mjs";
import { chains, madeUpWeights } from "./synthetic.mjs";

const [rows = "128", precision = "float32", name = "ViT-B-32"] = process.argv.slice(2);
const TOKENS = 8;
const ROUNDS = 30;
const PEAK_STEPS = 400_000;

const descriptor = architecture(name, "quick_gelu");
const graph = buildTextEncoder(descriptor);
const backend = wasm({ threads: 1 });
const executable = await backend.compile(graph, madeUpWeights(graph), { precision });
const prompts = Math.max(1, Math.floor(Number(rows) / TOKENS));
const inputs = chains(descriptor.width, prompts, Math.min(TOKENS, Number(rows)));

/** In place of the kernels' own loop over the program: the same, with a clock. */
const { machine } = executable;
const { plan, memory, kernels } = machine;
const steps = [];
machine.kernels = { ...kernels, run: runTimed };
function runTimed() {
  const words = new Uint32Array(memory.buffer);
  plan.lowered.steps.forEach((step, i) => {
    const record = plan.program + i * RECORD_BYTES;
    const operand = (index) => words[(record + RECORD_OPERANDS) / 4 + index];
    const linear = step.op === "linear";
    const start = performance.now();
    kernels.execute(record, 0, words[(record + RECORD_UNITS) / 4], plan.scratch);
    const ms = performance.now() - start;
    steps[i] ??= {
      label: linear ? `linear ${operand(3)} → ${operand(4) * 8}${step.activation ? " gelu" : ""}` : step.op,
      flops: linear ? 2 * operand(0) * operand(3) * operand(4) * 8 : 0,
      best: Infinity,
    };
    steps[i].best = Math.min(steps[i].best, ms);
  });
}

const peak = await peakModule(executable.info.device.includes("relaxed"));
for (let i = 0; i < 3; i++) peak(PEAK_STEPS);
let peakBest = Infinity;
for (let round = 0; round < ROUNDS; round++) {
  await executable.run(inputs);
  const start = performance.now();
  peak(PEAK_STEPS);
  peakBest = Math.min(peakBest, performance.now() - start);
}
const peakRate = (PEAK_STEPS * 12 * 4 * 2) / peakBest / 1e6;

const kinds = groupBy(steps);
const total = steps.reduce((sum, { best }) => sum + best, 0);
console.log(
  `${name}, ${rows} rows, ${precision}, ${executable.info.device}: ${total.toFixed(1)} ms, peak ${peakRate.toFixed(1)} GFLOP/s`,
);
console.table(
  [...kinds].map(([step, list]) => {
    const ms = list.reduce((sum, { best }) => sum + best, 0);
    const rate = list.reduce((sum, { flops }) => sum + flops, 0) / ms / 1e6;
    const share = `${((100 * ms) / total).toFixed(1)} %`;
    return {
      step,
      times: list.length,
      ms: +ms.toFixed(2),
      share,
      ofPeak: rate ? +(rate / peakRate).toFixed(2) : "",
    };
  }),
);
await executable.dispose();

function groupBy(list) {
  const groups = new Map();
  for (const each of list) groups.set(each.label, [...(groups.get(each.label) ?? []), each]);
  return groups;
}
