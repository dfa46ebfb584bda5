/** Runs a part of the suite on WebGPU in a process of Deno, and prints what came of it as a line of JSON. */
import { runPart } from "./webgpu-cases.mjs";

/** One op of each kind in every precision, and a whole tower of the original in float32: its compiler is slow. */
const OPS = /^op: (?:linear 20 |layerNorm \[7\]|attention 24 in 3 heads, ancestors)/;
console.log(JSON.stringify(await runPart(OPS, ["micro"])));
