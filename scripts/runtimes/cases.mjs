/**
 * The conformance suite on the WebAssembly backend, in whatever runtime imports this: Node, Deno, Bun, a page, a
 * worker. Nothing here belongs to one of them, or to a test framework; what comes out is plain data.
 *
 * Imports built packages by path, so that a server of the repository's files finds them as a file system does.
 */
import { reference } from "../../packages/backend-reference/dist/index.js";
import { wasm } from "../../packages/backend-wasm/dist/index.js";
import { conformanceCases, goldenCases } from "../../packages/conformance/dist/index.js";
import { GraphBuilder, tensor } from "../../packages/graph/dist/index.js";
import { rememberResults } from "./remember.mjs";

/** Each variant of the kernels, each precision, one thread and two. */
export const CONFIGURATIONS = {
  plain: { variant: "simd", threads: 1, precision: "float32" },
  relaxed: { variant: "relaxed", threads: 1, precision: "float32" },
  threaded: { variant: "relaxed", threads: 2, precision: "float32" },
  float16: { variant: "relaxed", threads: 1, precision: "float16" },
  "int8 plain threaded": { variant: "simd", threads: 2, precision: "int8" },
  "int8 relaxed": { variant: "relaxed", threads: 1, precision: "int8" },
};

const remembered = rememberResults(reference());

/** Every case that every configuration runs. */
export function allCases() {
  return [...conformanceCases(), ...goldenCases(["micro", "tiny", "tiny-gelu"])];
}

/**
 * Runs every case on one configuration, and goes on after those that fail.
 * @param {keyof typeof CONFIGURATIONS} name
 * @returns {Promise<{ info: object, ran: string[], failures: string[] }>} what an executable says of itself, the
 *   names of the cases, and `name: error` for each that failed
 */
export async function runCases(name) {
  const { precision, ...options } = CONFIGURATIONS[name];
  const subject = { backend: wasm(options), reference: remembered.backend, precision };
  const executable = await compileProduct(8, options, precision);
  const { info } = executable;
  await executable.dispose();
  const ran = [];
  const failures = [];
  for (const each of allCases()) {
    remembered.begin(each.name);
    ran.push(each.name);
    try {
      await each.run(subject);
    } catch (error) {
      failures.push(`${each.name}: ${error}`);
    }
  }
  return { info, ran, failures };
}

/**
 * How often timers fire while large products run. A thread that computes, spins or waits meanwhile gets to none.
 * @param {number} threads
 * @returns {Promise<number>}
 */
export async function countTicks(threads) {
  const [width, rows, runs] = [1024, 512, 16];
  const executable = await compileProduct(width, { threads }, "float32");
  const inputs = zeros(width, rows);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  for (let run = 0; run < runs; run++) await executable.run(inputs);
  clearInterval(timer);
  await executable.dispose();
  return ticks;
}

/** Runs on two threads and does not dispose: whoever calls this may end all the same. */
export async function leaveBehind() {
  const executable = await compileProduct(8, { threads: 2 }, "float32");
  await executable.run(zeros(8, 3));
}

/** A product with a square matrix of zeros. */
function compileProduct(width, options, precision) {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["rows", width]);
  const graph = g.build({ y: g.linear(x, g.weight("w", [width, width])) });
  const read = () => Promise.resolve(zeros(width, width).x);
  return wasm(options).compile(graph, { read }, { precision });
}

function zeros(width, rows) {
  return { x: tensor("float32", [rows, width], new Float32Array(rows * width)) };
}
