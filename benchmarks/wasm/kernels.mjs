/**
 * Matrix product A [rows, 512] · W [512, 2048] on one thread: float32 tiles against the peak of the same instructions
 * on registers alone, both measured in turns in the same process, so that a busy machine slows both.
 *
 *   node benchmarks/wasm/kernels.mjs
 */
import { wasm } from "../../packages/backend-wasm/dist/index.js";
import { GraphBuilder, tensor } from "../../packages/graph/dist/index.js";
import { peakModule } from "./peak.mjs";

const [K, N] = [512, 2048];
const ROUNDS = 60;
const PEAK_STEPS = 400_000;

function graph() {
  const g = new GraphBuilder();
  const y = g.linear(g.input("x", "float32", ["rows", K]), g.weight("w", [N, K]));
  return g.build({ y });
}

const values = (count) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.7) / 16);
const weights = { read: () => Promise.resolve(tensor("float32", [N, K], values(N * K))) };

for (const variant of ["simd", "relaxed"]) {
  const backend = wasm({ variant, threads: 1 });
  if (!(await backend.isSupported()).supported) continue;
  const peak = await peakModule(variant === "relaxed");
  for (const precision of ["float32", "float16", "int8"]) {
    const executable = await backend.compile(graph(), weights, { precision });
    // The kernels alone, without copies in and out: the program of the last run is still there.
    const { plan, kernels } = executable.machine;
    const once = () => kernels.run(plan.program, plan.lowered.steps.length, plan.scratch);
    const line = [];
    for (const rows of [1, 2, 4, 7, 12, 64, 128]) {
      await executable.run({ x: tensor("float32", [rows, K], values(rows * K)) });
      for (let i = 0; i < 20; i++) once();
      for (let i = 0; i < 3; i++) peak(PEAK_STEPS);
      let [kernelBest, peakBest] = [Infinity, Infinity];
      for (let i = 0; i < ROUNDS; i++) {
        const start = performance.now();
        once();
        const middle = performance.now();
        peak(PEAK_STEPS);
        kernelBest = Math.min(kernelBest, middle - start);
        peakBest = Math.min(peakBest, performance.now() - middle);
      }
      const rate = (2 * rows * K * N) / kernelBest / 1e6;
      const peakRate = (PEAK_STEPS * 12 * 4 * 2) / peakBest / 1e6;
      line.push(
        `${rows} rows ${rate.toFixed(1)} of ${peakRate.toFixed(1)} (${(rate / peakRate).toFixed(2)})`,
      );
    }
    console.log(`${variant} ${precision} GFLOP/s: ${line.join(", ")}`);
    await executable.dispose();
  }
}
