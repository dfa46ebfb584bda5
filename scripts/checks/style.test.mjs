/** Lint, formatting and types of the whole repository. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { root } from "../workspace.mjs";

const commands = {
  "oxlint finds nothing": ["oxlint", "--deny-warnings"],
  "oxfmt would change nothing": ["oxfmt", "--check"],
  "types hold, in tests too": ["tsc", "-b", "tsconfig.json"],
};

for (const [name, [tool, ...args]] of Object.entries(commands)) {
  test(name, () => {
    const { status, stdout, stderr } = spawnSync(`node_modules/.bin/${tool}`, args, {
      cwd: root,
      encoding: "utf8",
    });
    expect(status, stdout + stderr).toBe(0);
  });
}
