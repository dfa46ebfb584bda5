/** What a page would load for a backend: the gzipped size of files as their packages ship them. */
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

/**
 * Modules of one of our packages and of the graph, and named files of a runtime, each gzipped by itself: an upper bound,
 * since bundlers take what is used and minify it. No models.
 * @returns nothing if a file is not where it should be
 */
export async function downloadSize(
  own: string,
  runtime?: string,
  files: readonly string[] = [],
): Promise<{ downloadBytes?: number }> {
  try {
    const paths = [
      ...(await modulesOf(own)),
      ...(await modulesOf("@textower/graph")),
      ...files.map((file) => join(folderOf(runtime!), file)),
    ];
    let downloadBytes = 0;
    for (const path of paths) downloadBytes += gzipSync(await readFile(path)).length;
    return { downloadBytes };
  } catch {
    return {};
  }
}

async function modulesOf(name: string): Promise<string[]> {
  const folder = join(folderOf(name), "dist");
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => file.endsWith(".js")).map((file) => join(folder, file));
}

/** Where a package lies, by its entry point: not every package exports its manifest. */
function folderOf(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name);
  const marker = join("node_modules", name);
  const at = entry.lastIndexOf(marker);
  return at >= 0 ? entry.slice(0, at + marker.length) : dirname(dirname(entry));
}
