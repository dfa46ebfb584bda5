// Every golden case, in both of OpenAI's cleanings.

import { describe, expect, test } from "vitest";

import { fixText } from "../src/cleaning/ftfy.js";
import { createTokenizer, TextTooLongError } from "../src/index.js";
import { allCases, htmlCases, textCases, type GoldenCase } from "./golden-cases.js";

const unlimited = 1 << 20;
const plain = createTokenizer({ cleaning: "plain", contextLength: unlimited });
const openai = createTokenizer({ contextLength: unlimited });

/** Texts whose cleaning needs ftfy's repair of wrongly decoded text, which is not done here: the whole list. */
const KNOWN_DIFFERENCES = [
  "-\u00c6\u00bd3c",
  "\u00b5\u00cbh\u00cd\u008b\u008c\u00deN\u00f4\u0090\u00e5)\u0096\u00ff\u00a96-T\u0007\u00f0",
  "\u00ca\u009f\u00bf",
  "\u00a5a\u00ee\u0095\u00b0\u0098o\u00c3\u0015O\u0086\u00cd#",
  "}\u00167\u00d5\u00c3\u0090;9s\u00de\u001f\u001d$\u0088G>",
  "}\u00be\u00dc]\u009e9\u00be\u0010\u009eB\u00ec\u0095\u0016\u0087\u001eErT",
];

const failures = (cases: readonly GoldenCase[], passes: (golden: GoldenCase) => boolean): string[] =>
  cases.filter((golden) => !passes(golden)).map(({ text }) => text);

const same = (ids: Int32Array, expected: readonly number[]): boolean => ids.join() === expected.join();

describe("golden cases", () => {
  test("are all here", () => {
    expect([textCases.length, htmlCases.length]).toEqual([1897, 535]);
  });

  test("cleaning plain gives `ids`", () => {
    expect(failures(allCases, ({ text, ids }) => same(plain.encode(text).ids, ids))).toEqual([]);
  });

  test("cleaning openai gives `ftfyIds`, but for the known differences", () => {
    const wrong = failures(allCases, ({ text, ids, ftfyIds = ids }) =>
      same(openai.encode(text).ids, ftfyIds),
    );
    expect(wrong).toEqual(KNOWN_DIFFERENCES);
    expect(allCases.filter(({ ftfyMojibake }) => ftfyMojibake).map(({ text }) => text)).toEqual(
      KNOWN_DIFFERENCES,
    );
  });

  test("the character fixes give `ftfyText`, but for the known differences", () => {
    const wrong = failures(allCases, ({ text, ftfyText = text }) => fixText(text) === ftfyText);
    expect(wrong).toEqual(KNOWN_DIFFERENCES);
  });

  test("without a cache the tokens are the same", () => {
    const uncached = createTokenizer({ cleaning: "plain", contextLength: unlimited, cacheWords: 0 });
    expect(failures(allCases, ({ text, ids }) => same(uncached.encode(text).ids, ids))).toEqual([]);
    expect(uncached.cachedWords).toBe(0);
  });

  test("in 77 tokens: `tooLong` throws, `tokens77` is the truncated row padded with 0", () => {
    const tokenizer = createTokenizer({ cleaning: "plain" });
    for (const { text, ids, tooLong, tokens77 } of allCases) {
      if (tooLong) expect(() => tokenizer.encode(text)).toThrow(TextTooLongError);
      else expect(tokenizer.encode(text).truncated).toBe(false);
      if (tokens77 === undefined) continue;
      const encoding = tokenizer.encode(text, { truncate: true });
      expect([...tokenizer.padded([encoding]).ids]).toEqual(tokens77);
      expect(encoding.endOfText).toBe(tokens77.indexOf(49407));
      expect(encoding.cut).toBe(Math.max(0, ids.length - 77));
    }
  });

  test("a batch, ragged, is each text on its own", () => {
    const batch = plain.encodeBatch(allCases.map(({ text }) => text));
    expect(failures(allCases, (golden) => same(batch[allCases.indexOf(golden)].ids, golden.ids))).toEqual([]);
  });
});

test.each([
  ["a photo of a cat", [49406, 320, 1125, 539, 320, 2368, 49407]],
  ["Hello, world!", [49406, 3306, 267, 1002, 256, 49407]],
  ["you should've done this", [49406, 592, 1535, 1200, 1700, 589, 49407]],
  [" \n", [49406, 49407]],
  ["你好世界", [49406, 47466, 254, 29290, 121, 19759, 244, 163, 243, 490, 49407]],
  ["unwantéd,running", [49406, 569, 18356, 3459, 323, 267, 2761, 49407]],
])("published vector %j", (text, ids) => {
  expect([...openai.encode(text).ids]).toEqual(ids);
});
