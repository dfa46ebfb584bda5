/** Where the binaries of runtimes lie that npm brings. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * The binary for this platform, in one of the optional dependencies of `name`; undefined if there is none.
 * @param {string} file - within that package
 */
export function binaryOf(name, file) {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve(`${name}/package.json`);
  const { optionalDependencies } = JSON.parse(readFileSync(manifest, "utf8"));
  for (const platform of Object.keys(optionalDependencies)) {
    try {
      const path = join(dirname(createRequire(manifest).resolve(`${platform}/package.json`)), file);
      if (existsSync(path)) return path;
    } catch {
      // Not the one that was installed.
    }
  }
  return undefined;
}
