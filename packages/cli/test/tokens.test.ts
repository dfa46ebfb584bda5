import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { lines, textower } from "./command.js";

interface TokensLine {
  readonly text: string;
  readonly ids: number[];
  readonly endOfText: number;
}

/** Ids of openai/CLIP's `clip.tokenize`, from the repository's golden data. */
const golden = JSON.parse(
  readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8"),
) as { captions: { text: string; ids: number[] }[] };

const CASES: [text: string, ids: number[]][] = [
  ["a photo of a cat", [49406, 320, 1125, 539, 320, 2368, 49407]],
  ["", [49406, 49407]],
  ["A Photo\tOF a  CAT ", [49406, 320, 1125, 539, 320, 2368, 49407]],
  ...golden.captions.map(({ text, ids }): [string, number[]] => [text, ids]),
];

test("jsonl: ids and end of text, from arguments and from a stream", async () => {
  const texts = CASES.map(([text]) => text);
  const stdin = texts.map((text) => JSON.stringify({ text })).join("\n");
  const outcomes = await Promise.all([
    textower(["tokens", "--format", "jsonl", "--", ...texts]),
    textower(["tokens", "--format", "jsonl", "--input", "-", "--input-format", "jsonl"], { stdin }),
  ]);
  for (const { code, text, stderr } of outcomes) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const results = lines<TokensLine>(text);
    expect(results).toEqual(CASES.map(([text, ids]) => ({ text, ids, endOfText: ids.length - 1 })));
    expect(Object.keys(results[0]!)).toEqual(["text", "ids", "endOfText"]);
  }
});

test("table: a line a token, with its piece", async () => {
  const { code, text } = await textower(["tokens", "a cat!"]);
  expect(code).toBe(0);
  expect(text).toBe(`"a cat!"
5 tokens
0  49406  <|startoftext|>
1    320  a</w>            "a"
2   2368  cat</w>          "cat"
3    256  !</w>            "!"
4  49407  <|endoftext|>

`);
});

test("--cleaning decides what text is", async () => {
  const ids = async (cleaning: string): Promise<number[]> => {
    const args = ["tokens", "--format", "jsonl", "--cleaning", cleaning, "&amp;lt; cafe\u0301"];
    return lines<TokensLine>((await textower(args)).text)[0]!.ids;
  };
  const [openai, huggingface] = await Promise.all([ids("openai"), ids("huggingface")]);
  expect(openai).not.toEqual(huggingface); // only the first undoes HTML
});

describe("too many tokens", () => {
  const long = "cat ".repeat(80);

  test("are all there, with the place of the cut", async () => {
    const [json, shown] = await Promise.all([
      textower(["tokens", "--format", "jsonl", long]),
      textower(["tokens", long]),
    ]);
    const [line] = lines<TokensLine>(json.text);
    expect([line!.ids.length, line!.endOfText]).toEqual([82, 81]);
    expect(shown.text).toContain("82 tokens, 5 more than the 77 that fit");
    const rows = shown.text.split("\n");
    const cut = rows.findIndex((row) => row.includes("what fits ends here"));
    expect([rows[cut - 1]!.trim().split(/\s+/)[0], rows[cut + 1]!.trim().split(/\s+/)[0]]).toEqual([
      "75",
      "76",
    ]);
  });
});
