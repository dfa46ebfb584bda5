/**
 * Serves `page.mjs`, and opens it in headless Chromium on its software adapter, or leaves opening it to you.
 *
 *   node webgpu/run.mjs [--model small] [--captions 64] [--classes 1] [--rounds 3] [--json FILE] …
 *   node webgpu/run.mjs --serve     prints an address, for any browser on a machine with a GPU
 *
 * All options are `DEFAULTS` of `measure.mjs`.
 */
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { rolldown } from "rolldown";
import { DEFAULTS } from "./measure.mjs";

const entries = Object.entries(DEFAULTS).map(([name, value]) => [name, { type: "string", default: value }]);
const { values: options } = parseArgs({
  options: {
    ...Object.fromEntries(entries),
    json: { type: "string" },
    serve: { type: "boolean", default: false },
  },
});
const { json, serve: onlyServe, ...settings } = options;
const FLAGS = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-webgpu-developer-features", // timestamps that are not rounded
];
const require = createRequire(import.meta.url);
const folderOf = (name) => dirname(require.resolve(name));
/** Where the runtimes lie that the page takes as their packages have them. */
const FOLDERS = {
  ort: folderOf("onnxruntime-web"),
  tf: folderOf("@tensorflow/tfjs-core"),
  "tf-webgpu": folderOf("@tensorflow/tfjs-backend-webgpu"),
};
const PAGE = `<!doctype html><meta charset="utf-8"><title>textower on WebGPU</title><link rel="icon" href="data:,">
<script src="/tf/tf-core.min.js"></script><script src="/tf-webgpu/tf-backend-webgpu.min.js"></script>
<script type="module">
  import * as ort from "/ort/ort.bundle.min.mjs";
  globalThis.ort = ort;
  await import("/page.js");
</script>`;

const build = await rolldown({
  input: fileURLToPath(new URL("page.mjs", import.meta.url)),
  platform: "browser",
  external: /^node:/,
  logLevel: "silent",
});
const { output } = await build.generate({ format: "esm", codeSplitting: false });
await build.close();

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  const answer = (type, body) => response.writeHead(200, { "Content-Type": type }).end(body);
  if (pathname === "/") return answer("text/html", PAGE);
  if (pathname === "/page.js") return answer("text/javascript", output[0].code);
  const [, folder, file] = /^\/([\w-]+)\/([\w.-]+)$/.exec(pathname) ?? [];
  if (FOLDERS[folder] === undefined) return response.writeHead(404).end();
  const type = file.endsWith(".wasm") ? "application/wasm" : "text/javascript";
  return answer(type, await readFile(join(FOLDERS[folder], file)).catch(() => ""));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/?${new URLSearchParams(settings)}`;
if (onlyServe) console.log(url);
else {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  const page = await browser.newPage();
  page.on("console", (message) => message.type() === "log" && console.log(message.text()));
  page.on("pageerror", (error) => console.error(String(error)));
  page.on("crash", () => console.error("the page crashed"));
  await page.goto(url);
  await page.waitForFunction(() => globalThis.report !== undefined, undefined, { timeout: 0 });
  const report = await page.evaluate(() => globalThis.report);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  await browser.close();
  server.close();
  process.exit(report.error === undefined ? 0 : 1);
}
