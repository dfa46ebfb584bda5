/**
 * From a local file to a ready backend-wasm, beside the least it could take: a plain sequential read of the same bytes,
 * and the packing of weights that are in memory already. The file is in the system's cache. And the most memory the
 * process takes for it, beside what the backend keeps. Everything runs in a process of its own, in turns.
 *
 *   node weights/load-speed.mjs [CHECKPOINT]
 */
import { spawnSync } from "node:child_process";
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { wasm } from "@textower/backend-wasm";
import { buildTextEncoder } from "@textower/model";
import { openCheckpoint } from "@textower/weights";
import { vitB32Checkpoint } from "../checkpoint.mjs";

const ROUNDS = 7;
const READ_BYTES = 4 * 2 ** 20;
const TABLE = "token_embedding.weight";

const [given, part] = process.argv.slice(2);
const path = given ?? vitB32Checkpoint();
if (part === undefined) report();
else console.log(JSON.stringify(await { load, read, pack }[part]()));

/** The loader: what is measured. */
async function load() {
  const before = process.memoryUsage.rss();
  const begin = performance.now();
  const checkpoint = await openCheckpoint(path, { activation: "quick_gelu" });
  const executable = await backend().compile(graphOf(checkpoint), checkpoint, {});
  const milliseconds = performance.now() - begin;
  const peak = process.resourceUsage().maxRSS * 1024 - before;
  await executable.dispose();
  return { milliseconds, peak, kept: towerBytes(checkpoint) };
}

/** As many bytes as the tower has without its token table, one after the other. */
async function read() {
  const checkpoint = await openCheckpoint(path, { activation: "quick_gelu" });
  const bytes = towerBytes(checkpoint);
  const buffer = new Uint8Array(READ_BYTES);
  const file = await open(path);
  const begin = performance.now();
  for (let at = 0; at < bytes; at += READ_BYTES) {
    await file.read(buffer, 0, Math.min(READ_BYTES, bytes - at), at);
  }
  return { milliseconds: performance.now() - begin };
}

/** The backend alone, with weights that are in memory. */
async function pack() {
  const checkpoint = await openCheckpoint(path, { activation: "quick_gelu" });
  const tensors = new Map();
  for (const name of checkpoint.tensors.keys()) {
    if (name !== TABLE) tensors.set(name, await checkpoint.read(name));
  }
  const weights = {
    async read(name, rows) {
      const tensor = tensors.get(name);
      if (rows === undefined) return tensor;
      const columns = tensor.shape[1] ?? 1;
      const shape = [rows.end - rows.begin, ...tensor.shape.slice(1)];
      return { ...tensor, shape, data: tensor.data.subarray(rows.begin * columns, rows.end * columns) };
    },
  };
  const begin = performance.now();
  await backend().compile(graphOf(checkpoint), weights, {});
  return { milliseconds: performance.now() - begin };
}

function backend() {
  return wasm({ threads: 1 });
}

function graphOf({ descriptor }) {
  return buildTextEncoder(descriptor, { outputs: ["embedding"] });
}

/** Bytes of the weights in float32, which is what the backend keeps. */
function towerBytes({ tensors }) {
  return [...tensors].reduce(
    (sum, [name, shape]) => sum + (name === TABLE ? 0 : 4 * shape.reduce((a, b) => a * b, 1)),
    0,
  );
}

function report() {
  const runs = { load: [], read: [], pack: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, results] of Object.entries(runs)) {
      const args = [fileURLToPath(import.meta.url), path, name];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
      results.push(JSON.parse(stdout));
    }
  }
  const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
  const [load, read, pack] = Object.values(runs).map((list) => median(list.map((run) => run.milliseconds)));
  const { kept } = runs.load[0];
  const peak = Math.max(...runs.load.map((run) => run.peak));
  console.log(`Node ${process.version}, ${(kept / 1e6).toFixed(1)} MB of weights, medians of ${ROUNDS}`);
  console.log(`load ${load.toFixed(0)} ms; read ${read.toFixed(0)} ms + pack ${pack.toFixed(0)} ms`);
  console.log(`speed: ${(((read + pack) / load) * 100).toFixed(0)} % of reading plus packing`);
  console.log(
    `peak memory above start: ${(peak / 1e6).toFixed(0)} MB, ${(peak / kept).toFixed(2)} × the weights`,
  );
}
