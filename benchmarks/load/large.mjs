/**
 * What a large tower takes in memory: ViT-L/14's text tower with made-up weights, in a file on disk, on the WASM backend in
 * each precision, each in a process of its own.
 *
 *   node load/large.mjs     the second time: a process begins with the peak of the one that started it
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { syntheticModel } from "@textower/benchmark";
import { wasm } from "@textower/backend-wasm";
import { createTextEncoder } from "textower";

const folder = new URL("../.cache/", import.meta.url);
const path = fileURLToPath(new URL("vit-l-14-text.safetensors", folder));
const [precision] = process.argv.slice(2);
const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;

if (precision === undefined) {
  await mkdir(folder, { recursive: true });
  if (!existsSync(path)) await writeFile(path, syntheticModel("ViT-L-14").stream());
  for (const each of ["float32", "float16", "int8"]) {
    process.stdout.write(
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), each], { encoding: "utf8" }),
    );
  }
} else {
  const encoder = await createTextEncoder({
    model: path,
    activation: "quick_gelu",
    config: null,
    precision,
    backend: wasm({ threads: 2 }),
  });
  const begin = performance.now();
  await encoder.encode(["a photo of a cat", "two dogs on a beach"]);
  const seconds = (performance.now() - begin) / 1000;
  const { memoryBytes } = encoder.info;
  await encoder.dispose();
  const peak = megabytes(process.resourceUsage().maxRSS * 1024);
  console.log(
    `${precision}: the backend holds ${megabytes(memoryBytes)}, the process had ${peak} at most; 2 prompts in ${seconds.toFixed(2)} s`,
  );
}
