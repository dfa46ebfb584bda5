/**
 * Pages as users ship them: built by Vite into a folder that is removed afterwards, and served on loopback under a
 * strict policy.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { build } from "vite";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".safetensors": "application/octet-stream",
};
/** No inline script, no `eval`, no blob: workers, nothing from elsewhere. */
const POLICY = {
  "content-security-policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
    "style-src 'self'; img-src 'self' data:",
};
/** What makes a page cross-origin isolated. */
const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/**
 * Builds a page.
 * @param {string} source - folder of its `index.html`
 * @returns {Promise<{ folder: string, remove: () => Promise<void> }>}
 */
export async function buildPage(source) {
  const folder = await mkdtemp(join(tmpdir(), "textower-page-"));
  const settings = { outDir: folder, emptyOutDir: true, target: "es2022", assetsInlineLimit: 0 };
  await build({ root: source, logLevel: "error", worker: { format: "es" }, build: settings });
  return { folder, remove: () => rm(folder, { recursive: true }) };
}

/**
 * Serves a folder.
 * @param {boolean} isolated - whether pages are to be cross-origin isolated
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serveFolder(folder, isolated) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const path = normalize(pathname === "/" ? "/index.html" : pathname);
    const headers = { ...POLICY, ...(isolated ? ISOLATION : {}) };
    try {
      const body = await readFile(join(folder, path));
      response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/plain", ...headers }).end(body);
    } catch {
      response.writeHead(404, headers).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
