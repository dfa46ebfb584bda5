/**
 * A server of a page that holds the suite as `globalThis.suite`, and of the files that the suite consists of, on
 * loopback. It makes every import a path that browsers can follow; an import map would do for the page, but workers
 * have none.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { root } from "../workspace.mjs";

const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>suite</title>
<link rel="icon" href="data:,">
<script type="module" src="/scripts/runtimes/page.mjs"></script>
`;
const SERVED = /^\/(packages\/[\w-]+\/dist|packages\/conformance\/golden|scripts\/runtimes)\/[\w./-]+$/;
const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json" };
/** As strict as a page with WebAssembly can be: no inline script, no `eval`, nothing from elsewhere. */
const POLICY = {
  "content-security-policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:",
};
/** What makes a page cross-origin isolated; workers need the second too. */
const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/**
 * @param {boolean} isolated - whether pages are to be cross-origin isolated
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serve(isolated) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const answer = (status, type, body) =>
      response
        .writeHead(status, { "content-type": type, ...POLICY, ...(isolated ? ISOLATION : {}) })
        .end(body);
    if (pathname === "/") return answer(200, "text/html", PAGE);
    const type = TYPES[extname(pathname)];
    if (type === undefined || !SERVED.test(pathname)) return answer(404, "text/plain", "not served");
    try {
      const text = await readFile(join(root, pathname), "utf8");
      return answer(200, type, extname(pathname) === ".json" ? text : withPaths(text));
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

/** `from "@textower/graph"` becomes `from "/packages/graph/dist/index.js"`. */
function withPaths(source) {
  return source.replaceAll(/(\bfrom |\bimport\()"@textower\/([\w-]+)"/g, '$1"/packages/$2/dist/index.js"');
}
