/**
 * The ONNX backend on onnxruntime-web's WebGPU provider in headless Chromium, on the software adapter that comes with
 * it. The runtime's own files come from where it is installed.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportTextModel } from "../../packages/backend-onnx/dist/index.js";
import { loadGolden, syntheticWeights } from "../../packages/conformance/dist/index.js";
import { buildTextEncoder } from "../../packages/model/dist/index.js";
import { root } from "../workspace.mjs";
import { BROWSER_FLAGS } from "./browser-flags.mjs";
import { suiteOf } from "./suite.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [...BROWSER_FLAGS, "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
/** Packages that pages may import by name. */
const PACKAGES = ["backend-onnx", "backend-reference", "conformance", "graph", "model"];
const IMPORTS = Object.fromEntries(
  PACKAGES.map((name) => [`@textower/${name}`, `/packages/${name}/dist/index.js`]),
);
const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>suite</title>
<link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script type="module">
  import * as ort from "/ort/ort.bundle.min.mjs";
  import * as cases from "/scripts/runtimes/onnx-cases.mjs";
  ort.env.wasm.wasmPaths = "/ort/";
  ort.env.wasm.numThreads = 1;
  globalThis.suite = {
    run: (precision) => cases.runOnnxCases(ort, precision),
    textModel: async () => {
      const bytes = await (await fetch("/model.onnx")).arrayBuffer();
      return cases.runOnnxTextModel(ort, new Uint8Array(bytes));
    },
  };
</script>
`;
const TYPES = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
const require = createRequire(join(root, "packages/backend-onnx/package.json"));
const ortFiles = dirname(require.resolve("onnxruntime-web"));

/** The micro golden tower as a published model. */
async function textModel() {
  const { descriptor, spec } = await loadGolden("micro");
  const pooling = { rule: "argmax", endOfText: descriptor.vocabSize - 1 };
  const text = { ...descriptor, pooling };
  const { files } = exportTextModel(buildTextEncoder(descriptor), syntheticWeights(spec), text);
  const pieces = [];
  for await (const piece of files[0].pieces()) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Serves the page, what it imports, and a model, on loopback. */
async function serve(model) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const answer = (status, type, body) => response.writeHead(status, { "content-type": type }).end(body);
    if (pathname === "/") return answer(200, "text/html", PAGE);
    if (pathname === "/model.onnx") return answer(200, "application/octet-stream", model);
    const own = /^\/(packages\/[\w-]+\/(dist|golden)|scripts\/runtimes)\/[\w./-]+$/.test(pathname);
    const ort = /^\/ort\/([\w.-]+)$/.exec(pathname);
    const path = ort === null ? join(root, pathname) : join(ortFiles, ort[1]);
    const type = TYPES[extname(pathname)];
    if ((!own && ort === null) || type === undefined) return answer(404, "text/plain", "not served");
    try {
      return answer(200, type, await readFile(path));
    } catch {
      return answer(404, "text/plain", "not there");
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

const { skip, title } = suiteOf(
  "Chromium, onnxruntime-web on WebGPU",
  executablePath,
  "install Debian's, or set CHROMIUM",
);

describe.skipIf(skip)(title, () => {
  let browser;
  let server;
  let page;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: FLAGS });
    server = await serve(await textModel());
    page = await browser.newPage();
    await page.goto(server.url);
    await page.waitForFunction(() => globalThis.suite !== undefined);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  test.each([
    ["float32", 60],
    ["float16", 2],
  ])("conforms in %s", async (precision, cases) => {
    const { device, ran, failures } = await page.evaluate((asked) => globalThis.suite.run(asked), precision);
    expect(failures).toEqual([]);
    expect(device).toMatch(/^webgpu \(onnxruntime-web/);
    expect(ran).toBeGreaterThanOrEqual(cases);
  });

  test("runs a published text model", async () => {
    expect(await page.evaluate(() => globalThis.suite.textModel())).toBeLessThan(5e-5);
  });
});
