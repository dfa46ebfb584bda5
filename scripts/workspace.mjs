/** Where things are in the workspace. Paths are relative to the root of the repository. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Every package.json, the root's first. */
export function manifests() {
  const members = ["packages", "examples"].flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${folder}/${entry.name}/package.json`),
  );
  return ["package.json", ...members, "benchmarks/package.json"].filter((path) =>
    existsSync(join(root, path)),
  );
}

/** The packages that are published: `{ folder, name, manifest }`. */
export function publicPackages() {
  return manifests()
    .filter((path) => path.startsWith("packages/"))
    .map((path) => {
      const manifest = JSON.parse(readFileSync(join(root, path), "utf8"));
      return { folder: dirname(path), name: manifest.name, manifest };
    })
    .filter(({ manifest }) => !manifest.private);
}

/** The modules that public packages export, as a page would get them: `{ name, specifier, file }`. */
export function entryPoints() {
  return publicPackages().flatMap(({ folder, name, manifest }) =>
    Object.entries(manifest.exports)
      .map(([path, conditions]) => ({
        name,
        specifier: join(name, path),
        file: join(folder, conditions.browser ?? conditions.default),
      }))
      .filter(({ file }) => file.endsWith(".js")),
  );
}
