/** A plain server of static files, as anybody may have one: with ranges, on loopback. It counts what it sends. */
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html",
  ".css": "text/css",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".png": "image/png",
};
/** What makes a page cross-origin isolated, which threads need. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/**
 * Serves a folder.
 * @param {string} folder
 * @param {boolean} isolated - whether pages are to be cross-origin isolated
 * @returns `requests`: `{ path, bytes }` of everything that was asked for, 404s with -1
 */
export async function serveSite(folder, isolated = true) {
  const requests = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const path = join(folder, normalize(pathname === "/" ? "/index.html" : pathname));
    if (!existsSync(path)) {
      requests.push({ path: pathname, bytes: -1 });
      return response.writeHead(404).end();
    }
    const { size } = statSync(path);
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const begin = range === null ? 0 : Number(range[1]);
    const end = range === null || range[2] === "" ? size : Math.min(size, Number(range[2]) + 1);
    requests.push({ path: pathname, bytes: end - begin });
    response.writeHead(range === null ? 200 : 206, {
      "Content-Type": TYPES[extname(path)] ?? "application/octet-stream",
      "Content-Length": end - begin,
      ...(isolated && ISOLATION),
      ...(range !== null && { "Content-Range": `bytes ${begin}-${end - 1}/${size}` }),
    });
    createReadStream(path, { start: begin, end: end - 1 }).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
}
