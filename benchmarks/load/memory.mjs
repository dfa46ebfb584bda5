/**
 * What it takes to get the first vector out of a 605 MB checkpoint: bytes read from the file, peak resident memory of
 * the whole process, seconds from its start; and beside it what transformers.js takes for an ONNX file of the same
 * weights. Everyone runs in a process of its own, in turns.
 *
 *   node load/memory.mjs [onnx] [wasm] [transformers-node] [transformers-web]
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { vitB32Checkpoint } from "../checkpoint.mjs";
import { peerModel } from "../encode/peer-model.mjs";

const ROUNDS = 5;
const path = vitB32Checkpoint();
await peerModel(path);
const script = (name) => fileURLToPath(new URL(name, import.meta.url));
const contestants = process.argv.slice(2);
if (contestants.length === 0) contestants.push("onnx", "wasm", "transformers-node", "transformers-web");
const taken = new Map(contestants.map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const name of contestants) {
    const peer = name.startsWith("transformers");
    const args = peer ? [script("first-vector-of-peer.mjs"), name] : [script("first-vector.mjs"), name, path];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    taken.get(name).push(JSON.parse(stdout));
  }
}
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const rows = [...taken].map(([name, runs]) => ({
  name,
  readMB: runs[0].readMB ?? "",
  peakMB: Math.max(...runs.map(({ peakMB }) => peakMB)),
  seconds: median(runs.map(({ seconds }) => seconds)),
}));
console.log(`Node ${process.version}`);
console.table(rows);
