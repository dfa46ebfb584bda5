/** The suite on TensorFlow.js's backends in headless Chromium, the GPU's on the software adapters that come with it. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { chromium } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../workspace.mjs";
import { BROWSER_FLAGS } from "./browser-flags.mjs";
import { suiteOf } from "./suite.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  ...BROWSER_FLAGS,
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
];
const folder = join(root, "packages/backend-tfjs");
const require = createRequire(join(folder, "package.json"));
const wasmFiles = dirname(require.resolve("@tensorflow/tfjs-backend-wasm"));
const PAGE =
  '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';

const { skip, title } = suiteOf(
  "Chromium, TensorFlow.js",
  executablePath,
  "install Debian's, or set CHROMIUM",
);
describe.skipIf(skip)(title, () => {
  let browser;
  let server;
  beforeAll(async () => {
    server = await serve(await bundle());
    browser = await chromium.launch({ executablePath, args: FLAGS });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  test.each(["cpu", "wasm", "webgl", "webgpu"])(
    "%s conforms, and leaves no tensor behind",
    async (name) => {
      const page = await browser.newPage();
      await page.goto(server.url);
      await page.waitForFunction(() => globalThis.runTfjsCases !== undefined);
      const outcome = await page.evaluate((name) => globalThis.runTfjsCases(name), name);
      await page.close();
      expect(outcome.failures).toEqual([]);
      expect(outcome.device).toMatch(new RegExp(`^${name} \\(tfjs `));
      expect(outcome.ran).toBeGreaterThanOrEqual(name.startsWith("webg") ? 38 : 90);
      expect(outcome.left).toBe(0);
    },
    600_000,
  );
});

async function bundle() {
  const input = join(folder, "test/in-page.mjs");
  const build = await rolldown({ input, platform: "browser", external: /^node:/, logLevel: "silent" });
  const { output } = await build.generate({ format: "esm", codeSplitting: false });
  await build.close();
  return output[0].code;
}

/** The page, its script, tfjs's WebAssembly, and golden vectors, on loopback. */
async function serve(script) {
  const types = { ".wasm": "application/wasm", ".json": "application/json" };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const answer = (type, body) => response.writeHead(200, { "content-type": type }).end(body);
    if (pathname === "/") return answer("text/html", PAGE);
    if (pathname === "/page.js") return answer("text/javascript", script);
    const wasm = /^\/tfjs-wasm\/([\w.-]+\.wasm)$/.exec(pathname);
    const golden = /^\/golden\/([\w.-]+\.json)$/.exec(pathname);
    const path =
      wasm !== null
        ? join(wasmFiles, wasm[1])
        : golden !== null
          ? join(root, "packages/conformance/golden", golden[1])
          : undefined;
    if (path === undefined) return response.writeHead(404).end();
    return answer(types[extname(path)], await readFile(path));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
