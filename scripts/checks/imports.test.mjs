/** The import table of ARCHITECTURE.md, held against every manifest and every import statement. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { importGraph, importsOf, printImportGraph, shortName } from "../import-graph.mjs";
import { publicPackages, root } from "../workspace.mjs";

/** Rows `| package | what it imports |` under the heading "Imports". */
function importTable() {
  const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith("Imports"));
  const rows = [...section.matchAll(/^\| `([^`]+)` \|([^|]*)\|/gm)];
  return new Map(
    rows.map(([, name, cell]) => [name, [...cell.matchAll(/`([^`]+)`/g)].map(([, sibling]) => sibling)]),
  );
}

const table = importTable();
const measured = importGraph();
const isSibling = (name) => name === "textower" || name.startsWith("@textower/");

test("every package has a row, and every row a package", () => {
  expect([...table.keys()].toSorted()).toEqual([...measured.keys()].toSorted());
});

test("there is no cycle", () => {
  expect(printImportGraph(measured)).toContain("graph");
});

for (const { folder, name, manifest } of publicPackages()) {
  const own = shortName(name);
  const allowed = (table.get(own) ?? []).toSorted();
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });

  test(`${own}: what it imports is what its row says`, () => {
    expect([...measured.get(own).keys()].toSorted()).toEqual(allowed);
  });

  test(`${own}: dependencies are those of its row`, () => {
    expect(declared.filter(isSibling).map(shortName).toSorted()).toEqual(allowed);
  });

  test(`${own}: imports what it declares, and nothing else`, () => {
    const undeclared = importsOf(folder).filter(
      ({ packageName }) => packageName !== name && !declared.includes(packageName),
    );
    expect(undeclared).toEqual([]);
  });
}
