/** What a head costs in rows, counted by the planner that every encoder uses; nothing is computed. */
import { existsSync, readFileSync } from "node:fs";
import { headPrompts } from "@textower/benchmark";
import { planRuns } from "@textower/model";
import { createTokenizer } from "@textower/tokenizer";
import { createTextEncoder } from "textower";
import { beforeAll, expect, test } from "vitest";
import { buildZeroShotHead } from "../src/index.js";
import type { PromptEncoder } from "../src/index.js";

/** Class names and templates of the original, where they lie beside the repository. */
const LISTS = new URL("../../../../shared/data/imagenet-prompts.json", import.meta.url);
const absent = !existsSync(LISTS) && process.env["CI"] !== "true";

const tokenizer = createTokenizer();
/** Of an encoder that nobody has told. */
let maxRows: number;
/** Most prompts of one call. */
let most = 0;
beforeAll(async () => {
  await using encoder = await createTextEncoder({ model: "shapes" });
  maxRows = encoder.info.maxRows;
});

/** Plans as `ClipTextEncoder` does, and answers with ones. */
function counting(): PromptEncoder {
  return {
    info: { checkpoint: "counting", embedDim: 2 },
    logitScale: 1,
    tokenizer,
    async encode(prompts) {
      most = Math.max(most, prompts.length);
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
  const { cost } = await buildZeroShotHead(counting(), { classes: classnames, templates });
  expect(cost).toMatchObject({ prompts: 80_000, paddedRows: 6_160_000 });
  expect(cost!.rows).toBeLessThanOrEqual(335_000);
});

test("1,000 made-up classes × 80 templates take at most 3 % more rows than there are beginnings, in blocks of bounded size", async () => {
  const list = (text: string): string[] => text.split(" ");
  const adjectives = list(
    "red blue old young striped spotted tiny giant northern southern wild tame sleepy golden silver",
  );
  const more = list("common great lesser arctic desert river mountain island forest painted");
  const animals = list("fox owl toad heron beetle otter magpie");
  const classes = [...adjectives, ...more].flatMap((first) =>
    [...more, "plain"].flatMap((second) => animals.map((animal) => `${first} ${second} ${animal}`)),
  );
  const media = list("photo drawing sketch painting sculpture cartoon rendering tattoo");
  const templates = media.flatMap((medium) => [
    `a ${medium} of a {}.`,
    `a ${medium} of the {}.`,
    `a bad ${medium} of a {}.`,
    `a good ${medium} of the {}.`,
    `a ${medium} of many {}.`,
    `the ${medium} of a small {}.`,
    `a {} in a ${medium}.`,
    `itap of a {}, a ${medium}.`,
    `one of the {} in this ${medium}`,
    `a ${medium} of my {}.`,
  ]);
  const { cost } = await buildZeroShotHead(counting(), { classes: classes.slice(0, 1000), templates });
  expect(cost).toMatchObject({ prompts: 80_000, paddedRows: 6_160_000 });
  const beginnings = new Set<string>();
  for (const template of templates) {
    for (const name of classes.slice(0, 1000)) {
      let path = "";
      for (const id of tokenizer.encode(template.replace("{}", name)).ids) beginnings.add((path += ` ${id}`));
    }
  }
  expect(cost!.rows).toBeLessThanOrEqual(1.03 * beginnings.size);
  expect(cost!.rows).toBeGreaterThanOrEqual(beginnings.size);
  expect(most).toBeLessThanOrEqual(4096);
});

test("lists of our own share as much", async () => {
  const prompts = headPrompts(25);
  const templates = prompts.slice(0, 80).map((text) => text.replace("goldfish", "{}"));
  const classes = Array.from({ length: 25 }, (_, i) => /a photo of a (.*)\./.exec(prompts[i * 80]!)![1]!);
  const { cost } = await buildZeroShotHead(counting(), { classes, templates });
  expect(cost!.prompts).toBe(2000);
  expect(cost!.rows).toBeLessThan(0.5 * cost!.tokens);
});
