/**
 * What it takes to get the first vector out of a 605 MB checkpoint: bytes read from the file, peak resident memory of
 * the whole process, seconds from its start. Each backend runs in a process of its own.
 *
 *   node load/memory.mjs [onnx] [wasm]
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { vitB32Checkpoint } from "../checkpoint.mjs";

const child = fileURLToPath(new URL("first-vector.mjs", import.meta.url));
const path = vitB32Checkpoint();
const backends = process.argv.length > 2 ? process.argv.slice(2) : ["onnx", "wasm"];
const rows = [];
for (const backend of backends) {
  for (let round = 0; round < 3; round++) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [child, backend, path], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(stderr);
    rows.push({ backend, round, ...JSON.parse(stdout) });
  }
}
console.log(`Node ${process.version}`);
console.table(rows);
