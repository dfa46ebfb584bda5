import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { lines, textower } from "./command.js";

/** What the model's training framework computed; not normalised. */
const golden = JSON.parse(
  readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8"),
) as { captions: { text: string; embedding: number[] }[] };
const captions = golden.captions.slice(0, 5);

function cosine(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
}

test("jsonl: the cosines of PyTorch's embeddings, a line a prompt", async () => {
  const texts = captions.map(({ text }) => text);
  const { code, text, stderr } = await textower(["similarity", "--format", "jsonl", "--", ...texts]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const rows = lines<{ text: string; similarities: number[] }>(text);
  expect(rows.map((row) => row.text)).toEqual(texts);
  rows.forEach(({ similarities }, i) =>
    similarities.forEach((value, j) =>
      expect(value).toBeCloseTo(cosine(captions[i]!.embedding, captions[j]!.embedding), 4),
    ),
  );
});

test("table: a matrix with its prompts", async () => {
  const { code, text } = await textower(["similarity", "a red circle", "a red disc", "a\u001b[2J"]);
  expect(code).toBe(0);
  expect(text).toMatch(/^# shapes on /);
  expect(text).toMatch(/^1 {2}1\.000█ +0\.9\d\d█ .*"a red circle"$/m);
  expect(text).toContain(String.raw`"a\u001b[2J"`);
});

test("a prompt that is too long, by its place", async () => {
  const long = "word ".repeat(90);
  const refused = await textower(["similarity", "red", long]);
  expect(refused).toMatchObject({ code: 2, text: "" });
  expect(refused.stderr).toContain("prompt 2: expected at most 77 tokens, got 92");
  expect(await textower(["similarity", "--long-text", "windows", "red", long])).toMatchObject({ code: 0 });
});
