/** Every example runs and says what it should. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../workspace.mjs";

const examples = {
  "search-gallery/search.mjs": /^0\.\d+ \S+\.png .*small blue star/m,
  "own-backend/timing.mjs": /6 prompts in 17 rows on counting/,
};

for (const [path, output] of Object.entries(examples)) {
  test(path, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "examples", path)], {
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(output);
  });
}
