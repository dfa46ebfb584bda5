/**
 * The names that packages export, against the list that was agreed on: `exports.txt`. A change of it is a change for
 * users, and wants a changeset. To accept one: `npx vitest run --project checks exports -u`.
 */
import { join } from "node:path";
import { expect, test } from "vitest";
import { entryPoints, root } from "../workspace.mjs";

test("every entry point exports what it should", async () => {
  const lines = [];
  for (const { name, specifier, file } of entryPoints()) {
    if (name === "@textower/cli") continue; // the command is its interface
    const exports = await import(join(root, file));
    lines.push(
      specifier,
      ...Object.keys(exports)
        .toSorted()
        .map((each) => `  ${each}`),
    );
  }
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("exports.txt");
});
