/** Runs a part of the suite on WebGPU in a process of Deno, and prints what came of it as a line of JSON. */
import { runPart } from "./webgpu-cases.mjs";

console.log(
  JSON.stringify(await runPart(/^op: (?:linear (?:20|256) |layerNorm \[7\]|attention 24)|^golden: micro/)),
);
