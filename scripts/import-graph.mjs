/**
 * Which package imports which, as its sources say: what is loaded with it, what only when it is needed, and what only the
 * compiler sees. `scripts/checks/imports.test.mjs` holds the table of ARCHITECTURE.md against it.
 *
 *   node scripts/import-graph.mjs    prints it, from the packages that import nothing to those that import most
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publicPackages, root } from "./workspace.mjs";

/** `import`/`export … from "…"`, its word `type` if it has one, or `import("…")` that is not the type of something. */
const IMPORTS =
  /^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|(?<!typeof |: |<)\bimport\("([^"]+)"\)/gm;

/** What a package's name is called in the table. */
export const shortName = (name) => name.replace("@textower/", "");

/**
 * Everything that the sources of a package import.
 * @param {string} folder - of the package
 * @returns {{ file: string, packageName: string, kind: "static" | "dynamic" | "type" }[]} relative and Node's own left out
 */
export function importsOf(folder) {
  const found = [];
  for (const file of readdirSync(join(root, folder, "src"), { recursive: true })) {
    if (!file.endsWith(".ts") || file.includes("generated")) continue;
    const source = readFileSync(join(root, folder, "src", file), "utf8").replaceAll(/^\s*\*.*$/gm, "");
    for (const [, type, fixed, late] of source.matchAll(IMPORTS)) {
      const specifier = fixed ?? late;
      if (specifier.startsWith(".") || specifier.startsWith("node:")) continue;
      const parts = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1);
      const kind = type !== undefined ? "type" : fixed === undefined ? "dynamic" : "static";
      found.push({ file: `${folder}/src/${file}`, packageName: parts.join("/"), kind });
    }
  }
  return found;
}

/** Package → sibling → the strongest way in which it is imported. Short names. */
export function importGraph() {
  const packages = publicPackages();
  const names = new Set(packages.map(({ name }) => name));
  const strength = ["type", "dynamic", "static"];
  const graph = new Map();
  for (const { folder, name } of packages) {
    const edges = new Map();
    for (const { packageName, kind } of importsOf(folder)) {
      if (!names.has(packageName) || packageName === name) continue;
      const sibling = shortName(packageName);
      const known = edges.get(sibling) ?? "type";
      edges.set(sibling, strength.indexOf(kind) > strength.indexOf(known) ? kind : known);
    }
    graph.set(shortName(name), edges);
  }
  return graph;
}

/** Longest way down from a package; throws for a cycle. */
function levels(graph) {
  const known = new Map();
  const levelOf = (name, path) => {
    if (path.includes(name)) throw new Error(`import-graph: a cycle: ${[...path, name].join(" → ")}`);
    if (!known.has(name)) {
      const below = [...graph.get(name).keys()].map((each) => levelOf(each, [...path, name]));
      known.set(name, Math.max(0, ...below.map((level) => level + 1)));
    }
    return known.get(name);
  };
  for (const name of graph.keys()) levelOf(name, []);
  return known;
}

/** The graph as text. */
export function printImportGraph(graph) {
  const level = levels(graph);
  const of = (edges, kind) =>
    [...edges]
      .flatMap(([sibling, each]) => (each === kind ? [sibling] : []))
      .toSorted()
      .join(", ");
  return [...graph]
    .toSorted(([a], [b]) => level.get(a) - level.get(b) || a.localeCompare(b))
    .map(([name, edges]) => {
      const parts = [of(edges, "static"), of(edges, "dynamic"), of(edges, "type")];
      const said = ["", "when needed: ", "types: "].flatMap((word, i) =>
        parts[i] === "" ? [] : [word + parts[i]],
      );
      return `${level.get(name)} ${name.padEnd(18)}${said.length > 0 ? " → " : ""}${said.join("; ")}`;
    })
    .join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(printImportGraph(importGraph()));
