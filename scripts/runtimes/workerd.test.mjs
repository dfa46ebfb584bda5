/**
 * The facade and the WASM backend in workerd, the runtime of Cloudflare Workers, from its npm package: it compiles no
 * WebAssembly at run time, so the kernels are imported. One bundle, as a user would deploy it; the shapes model's
 * vectors are compared with those of the reference.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reference } from "../../packages/backend-reference/dist/index.js";
import { shapesModel } from "../../packages/model-shapes/dist/index.js";
import { createTextEncoder } from "../../packages/textower/dist/index.js";
import { root } from "../workspace.mjs";
import { suiteOf } from "./suite.mjs";

const KERNELS = "@textower/backend-wasm/relaxed.wasm";
const MODEL = "shapes.safetensors";
const TEXTS = ["a red circle", "a small blue star in the corner of a white picture", "two green triangles"];

const { skip, title } = suiteOf("workerd", findWorkerd(), "install the npm package workerd");

describe.skipIf(skip)(title, () => {
  let folder;
  let server;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "textower-workerd-"));
    await bundle(folder);
    await copyFile(join(root, "packages/backend-wasm/dist/relaxed.wasm"), join(folder, "relaxed.wasm"));
    await copyFile(fileURLToPath(shapesModel.model), join(folder, MODEL));
    await copyFile(fileURLToPath(shapesModel.config), join(folder, "config.json"));
    await writeFile(join(folder, "config.capnp"), CONFIG);
    server = await serve(folder);
  });
  afterAll(async () => {
    server?.stop();
    await rm(folder, { recursive: true });
  });

  test("encodes as the reference does, on one thread, and says why", async () => {
    const response = await fetch(server.url, { method: "POST", body: JSON.stringify(TEXTS) });
    const { info, embeddings } = await response.json();
    expect(info).toMatchObject({ backend: "wasm", device: "wasm relaxed simd", threads: 1 });
    expect(info.notes.filter((note) => note.startsWith("one thread"))).toHaveLength(1);
    const encoder = await createTextEncoder({ model: "shapes", backend: reference() });
    const expected = (await encoder.encode(TEXTS)).embeddings;
    await encoder.dispose();
    expect(embeddings).toHaveLength(TEXTS.length);
    embeddings.forEach((embedding, i) => {
      embedding.forEach((value, at) => expect(value).toBeCloseTo(expected[i][at], 5));
    });
  });

  test("the facade without kernels says what is missing", async () => {
    const response = await fetch(`${server.url}plain`, { method: "POST", body: JSON.stringify(TEXTS) });
    expect(response.status).toBe(500);
    expect(await response.text()).toMatch(/^BackendError: wasm: expected the engine to compile/);
  });
});

function findWorkerd() {
  const manifest = createRequire(import.meta.url).resolve("workerd/package.json");
  const platform = `@cloudflare/workerd-${process.platform}-${process.arch === "x64" ? "64" : process.arch}`;
  try {
    const path = createRequire(manifest).resolve(`${platform}/bin/workerd`);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** One file, the kernels and the model beside it, as bundlers for Workers leave them. */
async function bundle(folder) {
  const build = await rolldown({
    input: join(root, "scripts/runtimes/in-workerd.mjs"),
    external: [/\.wasm$/, MODEL, "config.json", /^node:/],
    // As Wrangler bundles for Workers.
    resolve: { conditionNames: ["workerd", "worker", "browser", "import", "default"] },
    platform: "neutral",
  });
  await build.write({ file: join(folder, "worker.js"), format: "esm", codeSplitting: false });
  await build.close();
}

const CONFIG = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "${KERNELS}", wasm = embed "relaxed.wasm"),
    (name = "${MODEL}", data = embed "${MODEL}"),
    (name = "config.json", json = embed "config.json"),
  ],
  compatibilityDate = "2025-09-01",
);
`;

/** Starts workerd; it says on descriptor 3 where it listens. */
async function serve(folder) {
  const args = ["serve", "--control-fd=3", join(folder, "config.capnp")];
  const process = spawn(findWorkerd(), args, { stdio: ["ignore", "inherit", "inherit", "pipe"] });
  const port = await new Promise((resolve, reject) => {
    let said = "";
    process.stdio[3].on("data", (chunk) => {
      said += chunk;
      const found = /"port":(\d+)/.exec(said);
      if (found !== null) resolve(found[1]);
    });
    process.once("error", reject);
    process.once("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
  });
  return { url: `http://127.0.0.1:${port}/`, stop: () => process.kill() };
}
