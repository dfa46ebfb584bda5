// The tokenizer as its users meet it: limits, batches, options, errors, decoding.

import { describe, expect, test } from "vitest";

import { createTokenizer, TextTooLongError, TokenizerOptionsError } from "../src/index.js";
import { WordCache } from "../src/word-cache.js";

const tokenizer = createTokenizer();
const END = 49407;
const START = 49406;

describe("a text that is too long", () => {
  const text = "cat ".repeat(100);

  test("says how long it is and by how much", () => {
    const encode = (): unknown => tokenizer.encodeBatch(["short", text]);
    expect(encode).toThrow(TextTooLongError);
    expect(encode).toThrow(/at most 77 tokens, got 102 \(25 too many\) in text 1: "cat cat/);
    expect(encode).toThrow(expect.objectContaining({ length: 102, contextLength: 77, excess: 25, index: 1 }));
  });

  test("is cut on request and keeps end-of-text", () => {
    const { ids, endOfText, truncated, cut } = tokenizer.encode(text, { truncate: true });
    expect([ids.length, ids[0], ids[75], ids[76]]).toEqual([77, START, 2368, END]);
    expect([endOfText, truncated, cut]).toEqual([76, true, 25]);
  });

  test("can be counted", () => {
    expect(tokenizer.count(text)).toBe(102);
  });

  test("of exactly 77 tokens fits", () => {
    const { ids, truncated, cut } = tokenizer.encode("cat ".repeat(75), { truncate: true });
    expect([ids.length, truncated, cut]).toEqual([77, false, 0]);
  });
});

describe("end-of-text", () => {
  test("is found at its first occurrence, as CLIP pools", () => {
    const { ids, endOfText } = tokenizer.encode("a photo<|endoftext|> of a dog");
    expect([...ids].filter((id) => id === END)).toHaveLength(2);
    expect(endOfText).toBe(3);
  });

  test("of each row of a ragged batch", () => {
    const texts = ["", "a photo of a cat", "cat"];
    const { ids, rows, contextLength, endOfText } = tokenizer.padded(tokenizer.encodeBatch(texts));
    expect([rows, contextLength, ids.length]).toEqual([3, 77, 3 * 77]);
    expect([...endOfText]).toEqual([1, 6, 2]);
    expect([...endOfText].map((at, row) => ids[row * 77 + at])).toEqual([END, END, END]);
    expect(ids[76]).toBe(0);
  });
});

describe("options", () => {
  test("set context, padding and special tokens", () => {
    const other = createTokenizer({
      contextLength: 8,
      padId: 1,
      startOfText: { content: "<start_of_text>" },
      endOfText: { content: "<end_of_text>", id: 50000 },
    });
    const encoding = other.encode("cat<start_of_text><end_of_text>");
    expect([...encoding.ids]).toEqual([START, 2368, START, 50000, 50000]);
    expect([...other.padded([encoding]).ids]).toEqual([START, 2368, START, 50000, 50000, 1, 1, 1]);
    expect(other.vocabularySize).toBe(50001);
  });

  test("huggingface pads with end-of-text", () => {
    expect(createTokenizer({ cleaning: "huggingface" }).padId).toBe(END);
    expect(tokenizer.padId).toBe(0);
  });

  test.each([
    [{ contextLength: 1 }, /contextLength to be an integer from 2, got 1/],
    [{ contextLength: 7.5 }, /contextLength/],
    [{ padId: -1 }, /padId/],
    [{ cacheWords: Number.NaN }, /cacheWords/],
    [{ cleaning: "__proto__" as "plain" }, /expected cleaning openai \| plain \| huggingface, got __proto__/],
    [{ addedTokens: [{ content: "" }] }, /literal/],
    [{ addedTokens: [{ content: "<a>" }, { content: "<a>" }] }, /of their own/],
    [{ addedTokens: [{ content: "<a>", id: 320 }] }, /at least 49408/],
    [{ addedTokens: [{ content: "<|endoftext|>" }] }, /of their own/],
  ])("%j is refused", (options, message) => {
    expect(() => createTokenizer(options)).toThrow(TokenizerOptionsError);
    expect(() => createTokenizer(options)).toThrow(message);
  });

  test("what is no string is a TypeError", () => {
    for (const wrong of [undefined, null, 7, ["a"]]) {
      expect(() => tokenizer.encode(wrong as unknown as string)).toThrow(TypeError);
      expect(() => tokenizer.count(wrong as unknown as string)).toThrow(TypeError);
      expect(() => tokenizer.encodeBatch([wrong as unknown as string])).toThrow(TypeError);
    }
    expect(() => tokenizer.encodeBatch("text" as unknown as string[])).toThrow(TypeError);
  });

  test("a row longer than the context cannot be padded", () => {
    expect(() => tokenizer.padded([{ ids: new Int32Array(78), endOfText: 0 }])).toThrow(RangeError);
  });
});

describe("added tokens", () => {
  const withTokens = createTokenizer({
    addedTokens: [
      { content: "<cat>" },
      { content: "<cat>-toy", id: 49500 },
      { content: "sks", singleWord: true },
    ],
  });

  test("get the next free ids, the longest literal wins, case does not matter", () => {
    expect([...withTokens.encode("a <CAT>-toy, <cat> toy").ids]).toEqual([
      START,
      320,
      49500,
      267,
      49501,
      5988,
      END,
    ]);
    expect(withTokens.vocabularySize).toBe(49503);
  });

  test("singleWord stays out of longer words", () => {
    expect([...withTokens.encode("sks.").ids]).toEqual([START, 49502, 269, END]);
    expect([...withTokens.encode("risks").ids]).toEqual([...tokenizer.encode("risks").ids]);
  });

  test("normalized: false looks at the text as it came", () => {
    const exact = createTokenizer({ addedTokens: [{ content: "<Cat>", normalized: false }] });
    expect([...exact.encode("<Cat>").ids]).toEqual([START, 49408, END]);
    expect([...exact.encode("<cat>").ids]).toEqual([...tokenizer.encode("<cat>").ids]);
  });

  test("are decoded", () => {
    expect(withTokens.decode(withTokens.encode("my <cat> plays").ids)).toBe("my <cat> plays");
  });
});

describe("decode", () => {
  test.each([
    ["A Photo of a café", "a photo of a café"],
    ["🦜 你好, world", "🦜 你好 , world"],
    ["", ""],
  ])("%j", (text, expected) => {
    expect(tokenizer.decode(tokenizer.encode(text).ids)).toBe(expected);
  });

  test("its text has the same tokens", () => {
    for (const text of ["it's 1984!!", "naïve übermensch", "ελλάδα 🇬🇷 в москве"]) {
      const { ids } = tokenizer.encode(text);
      expect([...tokenizer.encode(tokenizer.decode(ids)).ids]).toEqual([...ids]);
    }
  });

  test("special tokens on request", () => {
    expect(tokenizer.decode([START, 2368, END], { skipSpecial: false })).toBe(
      "<|startoftext|> cat <|endoftext|>",
    );
  });

  test("half a character is U+FFFD", () => {
    expect(tokenizer.decode([tokenizer.encode("你").ids[1]])).toBe("\ufffd");
  });

  test("an id that is no token is a RangeError", () => {
    for (const id of [49408, -1, 0.5, Number.NaN]) expect(() => tokenizer.decode([id])).toThrow(RangeError);
  });

  test("pieces as vocabulary files spell them", () => {
    expect(tokenizer.pieces(tokenizer.encode("a café").ids)).toEqual([
      "<|startoftext|>",
      "a</w>",
      "cafÃ©</w>",
      "<|endoftext|>",
    ]);
  });
});

describe("hostile text", () => {
  test("lone surrogates become U+FFFD", () => {
    for (const cleaning of ["openai", "plain", "huggingface"] as const) {
      const each = createTokenizer({ cleaning });
      expect([...each.encode("a \ud800 b \udc00\ud800").ids]).toEqual([
        ...each.encode("a \ufffd b \ufffd\ufffd").ids,
      ]);
      expect(each.encode("🦜").ids).toHaveLength(4);
    }
  });

  // A quadratic merge takes minutes for these; the bound only tells the two apart.
  test.each([
    ["one letter", "a".repeat(100_000)],
    ["the alphabet", "abcdefghijklmnopqrstuvwxyz".repeat(4000)],
    ["two bytes a letter", "é".repeat(100_000)],
    ["punctuation", "!?#".repeat(33_334)],
    ["nested references", `&${"amp;".repeat(25_000)}`],
    ["open references", "&".repeat(100_000)],
    ["terminal escapes", "\u001b[".repeat(50_000)],
    ["special literals", "<|endoftext|>".repeat(8_000)],
    ["whitespace", " \u0085\u001c".repeat(33_334)],
  ])("100,000 characters: %s", (_, text) => {
    const begin = performance.now();
    expect(tokenizer.count(text)).toBeGreaterThan(1);
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});

describe("the word cache", () => {
  test("never holds more words than it may", () => {
    const small = createTokenizer({ cacheWords: 100 });
    for (let i = 0; i < 5000; i++) {
      small.count(
        `word${String.fromCharCode(97 + (i % 26))}${"abcdefghij"[i % 10]}${(i * 7919).toString(36)}`,
      );
      expect(small.cachedWords).toBeLessThanOrEqual(100);
    }
    expect(small.cachedWords).toBeGreaterThan(40);
  });

  test("keeps what is asked for again, and no long words", () => {
    const cache = new WordCache(4);
    const tokens = new Int32Array(1);
    cache.set("often", tokens);
    for (const word of ["a", "b", "c", "d", "e"]) {
      cache.set(word, tokens);
      expect(cache.get("often")).toBe(tokens);
    }
    expect(cache.get("a")).toBeUndefined();
    cache.set("x".repeat(65), tokens);
    expect(cache.get("x".repeat(65))).toBeUndefined();
  });
});
