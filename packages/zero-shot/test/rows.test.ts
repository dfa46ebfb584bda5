/** What a head costs in rows, counted by the planner that every encoder uses; nothing is computed. */
import { existsSync, readFileSync } from "node:fs";
import { headPrompts } from "@textower/benchmark";
import { planRuns } from "@textower/model";
import { createTokenizer } from "@textower/tokenizer";
import { expect, test } from "vitest";
import { buildZeroShotHead } from "../src/index.js";
import type { PromptEncoder } from "../src/index.js";

/** Class names and templates of the original, where they lie beside the repository. */
const LISTS = new URL("../../../../shared/data/imagenet-prompts.json", import.meta.url);
const absent = !existsSync(LISTS) && process.env["CI"] !== "true";

/** Plans as `ClipTextEncoder` does, and answers with ones. */
function counting(maxRows: number): PromptEncoder {
  const tokenizer = createTokenizer();
  return {
    info: { checkpoint: "counting", embedDim: 2 },
    logitScale: 1,
    tokenizer,
    async encode(prompts) {
      const sequences = tokenizer.encodeBatch([...prompts]);
      const rows = planRuns(sequences, maxRows).reduce((sum, run) => sum + run.rows, 0);
      return {
        data: new Float32Array(prompts.length * 2).fill(1),
        rows,
        prompts: sequences.map(({ ids }) => ({ tokens: ids.length })),
      };
    },
  };
}

const title = "1,000 classes × 80 templates take at most 335,000 rows, where padding takes 6,160,000";
test.skipIf(absent)(absent ? `${title} (skipped: ${LISTS.pathname} is absent)` : title, async () => {
  const { classnames, templates } = JSON.parse(readFileSync(LISTS, "utf8")) as {
    classnames: string[];
    templates: string[];
  };
  const { cost } = await buildZeroShotHead(counting(512), { classes: classnames, templates });
  expect(cost).toMatchObject({ prompts: 80_000, paddedRows: 6_160_000 });
  expect(cost!.rows).toBeLessThanOrEqual(335_000);
});

test("lists of our own share as much", async () => {
  const prompts = headPrompts(25);
  const templates = prompts.slice(0, 80).map((text) => text.replace("goldfish", "{}"));
  const classes = Array.from({ length: 25 }, (_, i) => /a photo of a (.*)\./.exec(prompts[i * 80]!)![1]!);
  const { cost } = await buildZeroShotHead(counting(512), { classes, templates });
  expect(cost!.prompts).toBe(2000);
  expect(cost!.rows).toBeLessThan(0.5 * cost!.tokens);
});
