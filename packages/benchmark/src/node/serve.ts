/**
 * Serves the page: its files, and those of runtimes that are installed beside this package. Pages are cross-origin
 * isolated, which threads need.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RUNTIME_PACKAGES } from "../page/runtimes.js";

const PAGE = fileURLToPath(new URL("../site/", import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cache-Control": "no-cache",
};

/** A page that is served. */
export interface ServedPage {
  readonly url: string;
  close(): Promise<void>;
}

/** @param port - 0 takes a free one. Rejects if it cannot listen there. */
export async function servePage(port: number, host = "127.0.0.1"): Promise<ServedPage> {
  const server = createServer((request, response) => {
    void locate(decodeURIComponent(new URL(request.url ?? "/", "http://page").pathname)).then(
      async (path) => {
        const type = TYPES[extname(path ?? "")];
        const size = path === undefined || type === undefined ? undefined : await sizeOf(path);
        if (path === undefined || type === undefined || size === undefined) {
          response.writeHead(404, HEADERS).end();
          return;
        }
        response.writeHead(200, { ...HEADERS, "Content-Type": type, "Content-Length": size });
        createReadStream(path).pipe(response);
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${actual}/`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** The file of an address: `/runtimes/PACKAGE/dist/…`, or one of the page. Undefined for everything else. */
async function locate(pathname: string): Promise<string | undefined> {
  if (pathname === "/") return join(PAGE, "index.html");
  if (pathname.split("/").some((segment) => segment.startsWith("."))) return undefined;
  const runtime = /^\/runtimes\/((?:@[\w-]+\/)?[\w-]+)\/(dist\/[\w./-]+)$/.exec(pathname);
  if (runtime === null) return /^\/[\w.-]+$/.test(pathname) ? join(PAGE, pathname) : undefined;
  const [, name, file] = runtime;
  const folder = RUNTIME_PACKAGES.includes(name!) ? folderOf(name!) : undefined;
  return folder === undefined ? undefined : join(folder, file!);
}

/** Where a package lies; undefined if it is not installed. */
function folderOf(name: string): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const marker = join("node_modules", name);
    const at = entry.lastIndexOf(marker);
    return at >= 0 ? entry.slice(0, at + marker.length) : dirname(dirname(entry));
  } catch {
    return undefined;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? stats.size : undefined;
  } catch {
    return undefined;
  }
}
