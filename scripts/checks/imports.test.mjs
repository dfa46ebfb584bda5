/** The import table of ARCHITECTURE.md, held against every manifest and every import statement. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { publicPackages, root } from "../workspace.mjs";

/** Rows `| package | what it may import |` under the heading "Imports". */
function importTable() {
  const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith("Imports"));
  const rows = [...section.matchAll(/^\| `([^`]+)` \|([^|]*)\|/gm)];
  return new Map(
    rows.map(([, name, cell]) => [name, [...cell.matchAll(/`([^`]+)`/g)].map(([, sibling]) => sibling)]),
  );
}

const table = importTable();
const short = (name) => name.replace("@textower/", "");
const isSibling = (name) => name === "textower" || name.startsWith("@textower/");

test("every package has a row, and every row a package", () => {
  expect([...table.keys()].toSorted()).toEqual(
    publicPackages()
      .map(({ name }) => short(name))
      .toSorted(),
  );
});

for (const { folder, name, manifest } of publicPackages()) {
  const allowed = table.get(short(name)) ?? [];

  test(`${short(name)}: dependencies are those of its row`, () => {
    const siblings = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
      isSibling,
    );
    expect(siblings.map(short).toSorted()).toEqual(allowed.toSorted());
  });

  test(`${short(name)}: imports what it declares, and nothing else`, () => {
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    for (const file of readdirSync(join(root, folder, "src"), { recursive: true })) {
      if (!file.endsWith(".ts") || file.includes("generated")) continue;
      const source = readFileSync(join(root, folder, "src", file), "utf8");
      for (const [, specifier] of source.matchAll(
        /^(?:import|export)[^"';]*from "([^"]+)"|\bimport\("([^"]+)"\)/gm,
      )) {
        if (specifier === undefined || specifier.startsWith(".") || specifier.startsWith("node:")) continue;
        const packageName = specifier
          .split("/")
          .slice(0, specifier.startsWith("@") ? 2 : 1)
          .join("/");
        expect(declared, `${folder}/src/${file} imports ${specifier}`).toContain(packageName);
      }
    }
  });
}
