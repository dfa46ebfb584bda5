/**
 * The facade and the WASM backend in workerd, the runtime of Cloudflare Workers, from its npm package: it compiles no
 * WebAssembly at run time, so the kernels are imported. One bundle, as a user would deploy it; the shapes model's
 * vectors are compared with those of the reference.
 */
import { copyFile, mkdtemp, rm } from "node:fs/promises";
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
import { serveWorkerd, workerd } from "./workerd-server.mjs";

const KERNELS = "@textower/backend-wasm/relaxed.wasm";
const MODEL = "shapes.safetensors";
const TEXTS = ["a red circle", "a small blue star in the corner of a white picture", "two green triangles"];

const { skip, title } = suiteOf("workerd", workerd, "install the npm package workerd");

describe.skipIf(skip)(title, () => {
  let folder;
  let server;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "textower-workerd-"));
    await bundle(folder);
    await copyFile(join(root, "packages/backend-wasm/dist/relaxed.wasm"), join(folder, "relaxed.wasm"));
    await copyFile(fileURLToPath(shapesModel.model), join(folder, MODEL));
    await copyFile(fileURLToPath(shapesModel.config), join(folder, "config.json"));
    server = await serveWorkerd(folder, [
      { name: KERNELS, kind: "wasm", file: "relaxed.wasm" },
      { name: MODEL, kind: "data", file: MODEL },
      { name: "config.json", kind: "json", file: "config.json" },
    ]);
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
