// What is published: its size, its files, its names.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import * as surface from "../src/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));

test("the public names", () => {
  expect(Object.keys(surface).sort()).toEqual([
    "TextTooLongError",
    "TokenizerOptionsError",
    "VocabularyError",
    "clipVocabulary",
    "createTokenizer",
    "vocabularyFromOpenAI",
    "vocabularyFromTokenizerJson",
    "vocabularyFromVocabAndMerges",
  ]);
});

test.skipIf(!existsSync(new URL("../dist/index.js", import.meta.url)))(
  "packs to at most 450 kB with OpenAI's notice in it (skipped before a build)",
  () => {
    const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: root,
      encoding: "utf8",
    });
    const [{ size, files }] = JSON.parse(output) as [{ size: number; files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    expect(size).toBeLessThanOrEqual(450_000);
    expect(paths).toContain("LICENSE.openai-clip.txt");
    expect(paths).toContain("dist/generated/merges.js");
    expect(paths.filter((path) => /test|golden|tsbuildinfo/.test(path))).toEqual([]);
  },
  30_000,
);
