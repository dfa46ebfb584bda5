/** Every example runs and says what it should. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../workspace.mjs";

const examples = {
  "search-gallery/search.mjs": /^0\.\d+ \S+\.png .*small blue star/m,
  "zero-shot/classify.mjs": /^40 prompts of 210 tokens in 87 rows, 3080 .*[^]*^12\d of 130 right/m,
  "diffusion/condition.mjs": /^sd2: .* \[2, 77, 128\][^]*sdxl: .* \[2, 77, 256\], .* \[2, 128\]$/m,
  "prompts/explore.mjs": /is nearest to "a red star"[^]*^a red circle says: .*red.*[^]*…"ently"$/m,
  "caption-search/search.mjs": /^200 captions\n[01]\.\d+ \S+\.png .*small blue star/m,
  "langchain-retriever/retrieve.mjs": /^\d+\.png .*small blue star/m,
  "ai-sdk/recommend.mjs": /^9 captions, 45 tokens\n0\.\d+ a red circle$/m,
  "own-graph/classify.mjs": /^why is it raining: question\nstop that now: order$/m,
  "own-backend/toy.mjs": /^3 prompts on toy\n3 prompts on wasm\ncosine of the two: at least 1\.000000$/m,
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
