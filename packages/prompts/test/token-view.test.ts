/** Token by token: spans of the text as it came, words that were split, and what would be cut. */
import { createTokenizer } from "@textower/tokenizer";
import { describe, expect, test } from "vitest";
import { renderTokenView, tokenView } from "../src/index.js";

const tokenizer = createTokenizer();

/** What each token between start and end stands for. */
function spans(text: string, options = tokenizer): string[] {
  const { tokens } = tokenView(options, text);
  return tokens.slice(1, -1).map(({ start, end }) => text.slice(start, end));
}

test("a token is a stretch of the text, case and spaces as they came", () => {
  const text = "A  photo of\ta Cat's  house!\n";
  expect(spans(text)).toEqual(["A", "photo", "of", "a", "Cat", "'s", "house", "!"]);
  const { tokens, words, cut, endOfText } = tokenView(tokenizer, text);
  expect(tokens.map(({ id }) => id)).toEqual([...tokenizer.encode(text).ids]);
  expect(tokens[0]).toMatchObject({ piece: "<|startoftext|>", start: 0, end: 0, word: -1, cut: false });
  expect(tokens.at(-1)).toMatchObject({ piece: "<|endoftext|>", start: text.length, end: text.length });
  expect([cut, endOfText, words.length]).toEqual([0, 9, 8]);
});

test("a word that was split", () => {
  const text = "Magnificently odd";
  expect(spans(text)).toEqual(["Magnific", "ently", "odd"]);
  const { words, tokens } = tokenView(tokenizer, text);
  expect(words).toEqual([
    { first: 1, tokens: 2, start: 0, end: 13 },
    { first: 3, tokens: 1, start: 14, end: 17 },
  ]);
  expect(tokens.map(({ word }) => word)).toEqual([-1, 0, 0, 1, -1]);
});

test("tokens that hold a part of a character have the character", () => {
  expect(spans("東京😀")).toEqual(["東", "京", "京", "😀"]);
});

test.each([
  ["x&lt;y", ["x", "&lt;", "y"]],
  ["cafe\u0301 “ok”", ["cafe\u0301", "“", "ok", "”"]],
  ["Ｆｕｌｌ width", ["Ｆｕｌｌ", "width"]],
  ["İx", ["İ", "İ", "x"]],
  ["", []],
  ["   ", []],
])("where cleaning changed %j, the changed stretch", (text, expected) => {
  expect(spans(text)).toEqual(expected);
});

test("spans are in order and within the text, whatever the text", () => {
  const texts = [
    "&amp;amp;&amp;lt; schÃ¶n \u001b[31mred\u001b[0m ﬁne ".repeat(40),
    "\ud800 lone \udc00 halves",
    "<|endoftext|> and <|STARTOFTEXT|>",
    "\u202e\u200d🏳️‍🌈".repeat(9),
    "ΣΑΣ ΟΔΟΣ ς",
  ];
  for (const text of texts) {
    for (const cleaning of ["openai", "plain", "huggingface"] as const) {
      const { tokens } = tokenView(createTokenizer({ cleaning }), text);
      let begin = 0;
      for (const { start, end } of tokens) {
        expect(start).toBeGreaterThanOrEqual(begin);
        expect(end).toBeGreaterThanOrEqual(start);
        begin = start;
      }
      expect(tokens.at(-1)!.end).toBe(text.length);
    }
  }
});

test("100,000 characters that cleaning changes all over take no time to speak of", () => {
  expect(tokenView(tokenizer, "é&amp;“".repeat(14_000)).tokens.length).toBeGreaterThan(20_000);
});

describe("too many tokens", () => {
  const text = "dog ".repeat(80);
  test("those that would be cut are the last before the end", () => {
    const { tokens, cut, contextLength } = tokenView(tokenizer, text);
    expect([tokens.length, cut, contextLength]).toEqual([82, 5, 77]);
    const lost = tokens.flatMap((token, place) => (token.cut ? [place] : []));
    expect(lost).toEqual([76, 77, 78, 79, 80]);
    const truncated = tokenizer.encode(text, { truncate: true });
    expect(tokens.filter((token) => !token.cut).map(({ id }) => id)).toEqual([...truncated.ids]);
  });

  test("of another context", () => {
    expect(tokenView(tokenizer, "a red circle", { contextLength: 4 }).cut).toBe(1);
    expect(() => tokenView(tokenizer, "a", { contextLength: 1 })).toThrow(RangeError);
    expect(() => tokenView(tokenizer, 7 as never)).toThrow(TypeError);
  });
});

test("as text", () => {
  const view = tokenView(tokenizer, "A magnificently\u202e odd", { contextLength: 5 });
  expect(renderTokenView(view).split("\n")).toEqual([
    "8 tokens, 3 more than the 5 that fit",
    "0  49406  <|startoftext|>",
    '1    320  a</w>            "A"',
    '2   9725  magnific         "magnific"',
    '3   2922  ently</w>        …"ently"',
    "---- what fits ends here; truncated, <|endoftext|> follows",
    String.raw`4    728  âĢ               "\u202e"`,
    String.raw`5    362  ®</w>            …"\u202e"`,
    '6  11387  odd</w>          "odd"',
    "7  49407  <|endoftext|>",
    "",
  ]);
});
