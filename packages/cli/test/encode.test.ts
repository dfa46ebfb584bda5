import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lines, norm, onTerminal, relativeDifference, scratch, textower } from "./command.js";
import type { EncodeLine } from "./command.js";

/** As the conformance suite's table has it for float32. */
const TOLERANCE = 2e-5;
/** Made by PyTorch from the same weights; not normalised. */
const golden = JSON.parse(
  readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8"),
) as { captions: { text: string; ids: number[]; embedding: number[] }[] };
const captions = golden.captions;

const TOO_LONG = "word ".repeat(90);

describe("table", () => {
  test("says what it runs on, shows vectors in short, and finds pictures", async () => {
    const { code, text, stderr } = await textower(["encode", "a red circle", "a blue star"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(text).toMatch(/^# shapes on (wasm|onnx|reference) \(.*\d+ threads?\), float32\n/);
    for (const prompt of ["a red circle", "a blue star"]) expect(text).toContain(`\n"${prompt}"\n`);
    expect(text).toContain("5 tokens; 128 numbers of length 1.0000");
    const nearest = [...text.matchAll(/^ +(-?\d\.\d{3}) {2}(\d+\.png) {2}(.+)$/gm)];
    expect(nearest).toHaveLength(6);
    expect(nearest[0]![3]).toContain("red");
    expect(nearest[3]![3]).toContain("star");
  });

  test("shows control characters instead of obeying them", async () => {
    const { text } = await textower(["encode", "red\u001b[2J\u009b\u202e"]);
    expect(text).toContain(String.raw`"red\u001b[2J\u009b\u202e"`);
    expect(text).not.toMatch(/[\u001b\u009b\u202e]/);
  });
});

describe("jsonl", () => {
  for (const backend of ["reference", "onnx", "wasm"]) {
    test(`${backend} gives the embeddings of PyTorch`, async () => {
      const args = ["encode", "--backend", backend, "--no-normalize", "--format", "jsonl"];
      const { code, text, stderr } = await textower([...args, "--", ...captions.map(({ text }) => text)]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const results = lines<EncodeLine>(text);
      expect(results.map((line) => line.text)).toEqual(captions.map((caption) => caption.text));
      for (const [i, { embedding, tokens, cut, windows }] of results.entries()) {
        expect([tokens, cut, windows]).toEqual([captions[i]!.ids.length, 0, 1]);
        expect(relativeDifference(embedding, captions[i]!.embedding)).toBeLessThan(TOLERANCE);
      }
    });
  }

  test("the objects have the fields of the contract, in order, and numbers that are float32", async () => {
    const { text } = await textower(["encode", "--format", "jsonl", "a red circle", "a red circle"]);
    const results = lines<EncodeLine>(text);
    for (const result of results) {
      expect(Object.keys(result)).toEqual(["text", "tokens", "cut", "windows", "embedding"]);
      expect(norm(result.embedding)).toBeCloseTo(1, 6);
    }
    expect(results[1]).toEqual(results[0]);
    expect(text).not.toMatch(/[1-9]\d{9}/); // nine significant digits at most
  });

  test("normalises unless told otherwise", async () => {
    const [unit, raw] = await Promise.all(
      [[], ["--no-normalize"]].map(async (option) => {
        const { text } = await textower(["encode", "--format", "jsonl", ...option, "a red circle"]);
        return lines<EncodeLine>(text)[0]!.embedding;
      }),
    );
    const length = norm(raw!);
    expect(Math.abs(length - 1)).toBeGreaterThan(0.1);
    expect(
      relativeDifference(
        unit!.map((value) => value * length),
        raw!,
      ),
    ).toBeLessThan(1e-6);
  });

  test.each([
    ["truncate", [77, 15, 1]],
    ["windows", [94, 0, 2]],
    ["windows --window-overlap 10", [104, 0, 2]],
  ])("--long-text %s says what became of long prompts", async (policy, expected) => {
    const args = ["encode", "--format", "jsonl", "--long-text", ...policy.split(" ")];
    const { code, text } = await textower([...args, TOO_LONG, "star"]);
    expect(code).toBe(0);
    const results = lines<EncodeLine>(text).map(({ tokens, cut, windows }) => [tokens, cut, windows]);
    expect(results).toEqual([expected, [3, 0, 1]]);
  });

  test("a stream of more prompts than are held at a time comes out in order", async () => {
    const prompts = Array.from({ length: 2500 }, (_, i) => `${["red", "blue", "green"][i % 3]} ${i % 7}`);
    const { code, text } = await textower(["encode", "--input", "-", "--format", "jsonl"], {
      stdin: prompts.join("\n"),
    });
    expect(code).toBe(0);
    const results = lines<EncodeLine>(text);
    expect(results.map((line) => line.text)).toEqual(prompts);
    const first = results.find((line) => line.text === "red 3")!;
    const last = results.findLast((line) => line.text === "red 3")!;
    expect(relativeDifference(last.embedding, first.embedding)).toBeLessThan(TOLERANCE);
  });

  test("other precisions stay close", async () => {
    const embed = async (...options: string[]): Promise<number[]> => {
      const { text, stderr } = await textower(["encode", "--format", "jsonl", ...options, "a red circle"]);
      expect(stderr).toBe("");
      return lines<EncodeLine>(text)[0]!.embedding;
    };
    const exact = await embed("--backend", "reference");
    for (const precision of ["float16", "int8"]) {
      const close = await embed("--backend", "wasm", "--precision", precision);
      const cosine = close.reduce((sum, value, i) => sum + value * exact[i]!, 0);
      expect(cosine).toBeGreaterThan(0.995);
    }
  });
});

/** A `.npy` of version 1.0, read by the letter of its format. */
function readNpy(file: Buffer): { shape: number[]; rows: number[][] } {
  expect(file.subarray(0, 8).toString("latin1")).toBe("\x93NUMPY\x01\x00");
  const begin = 10 + file.readUInt16LE(8);
  expect(begin % 64).toBe(0);
  const header = file.subarray(10, begin).toString("latin1");
  const match =
    /^\{'descr': '<f4', 'fortran_order': False, 'shape': \((\d+), (\d+)\), \} *\n$/.exec(header) ?? [];
  const shape = match.slice(1).map(Number);
  const [rows, columns] = shape as [number, number];
  expect(file.length).toBe(begin + rows * columns * 4);
  const row = (i: number): number[] =>
    Array.from({ length: columns }, (_, j) => file.readFloatLE(begin + (i * columns + j) * 4));
  return { shape, rows: Array.from({ length: rows }, (_, i) => row(i)) };
}

describe("npy", () => {
  test("holds the same numbers as JSONL, in a file or through a pipe", async () => {
    const directory = scratch();
    const prompts = ["a red circle", "", "two stars"];
    const file = join(directory, "out.npy");
    const common = ["--backend", "wasm", ...prompts];
    const outcomes = await Promise.all([
      textower(["encode", "--format", "npy", "--output", file, ...common]),
      textower(["encode", "--format", "npy", ...common]),
      textower(["encode", "--format", "jsonl", ...common]),
    ]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0]);
    const [toFile, piped, json] = outcomes;
    expect(toFile.text).toBe("");
    expect(readFileSync(file)).toEqual(piped.stdout);
    const { shape, rows } = readNpy(piped.stdout);
    expect(shape).toEqual([3, 128]);
    // Bit by bit: the short decimals are the same float32.
    expect(lines<EncodeLine>(json.text).map(({ embedding }) => embedding.map(Math.fround))).toEqual(rows);
    expect(readdirSync(directory)).toEqual(["out.npy"]);
  });

  test("no prompts are an array without rows", async () => {
    const { code, stdout } = await textower(["encode", "--format", "npy", "--input", "-"]);
    expect(code).toBe(0);
    expect(readNpy(stdout).shape).toEqual([0, 128]);
  });

  test("is not written to a terminal", async () => {
    const { code, stderr } = await onTerminal(["encode", "--format", "npy", "red"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "textower: --format npy: expected --output FILE or a pipe, got a terminal\n",
    });
  });
});

describe("--output", () => {
  test("a file that cannot be completed is not left behind, and an old one stays", async () => {
    const directory = scratch();
    const file = join(directory, "out.jsonl");
    writeFileSync(file, "old");
    const stdin = `${"red\n".repeat(1500)}\xff\xfe`;
    const { code } = await textower(["encode", "--format", "jsonl", "--output", file, "--input", "-"], {
      stdin: Buffer.from(stdin, "latin1"),
    });
    expect(code).toBe(2);
    expect(readFileSync(file, "utf8")).toBe("old");
    expect(readdirSync(directory)).toEqual(["out.jsonl"]);
  });

  test("links stay links, and devices devices", async () => {
    const directory = scratch();
    const [file, link] = [join(directory, "out.jsonl"), join(directory, "link")];
    writeFileSync(file, "old");
    symlinkSync(file, link);
    for (const output of [link, "/dev/null"]) {
      const { code } = await textower(["encode", "--format", "jsonl", "--output", output, "red"]);
      expect(code).toBe(0);
    }
    expect(lines<EncodeLine>(readFileSync(file, "utf8"))[0]!.text).toBe("red");
    expect(statSync("/dev/null").isFile()).toBe(false);
  });
});

describe("on a terminal", () => {
  test("there is a bar on stderr, and JSONL says there what it runs on", async () => {
    const { code, text, stderr } = await onTerminal([
      "encode",
      "--format",
      "jsonl",
      "--backend",
      "reference",
      "red",
    ]);
    expect(code).toBe(0);
    expect(lines<EncodeLine>(text)).toHaveLength(1);
    expect(stderr).toContain("shapes on reference (cpu, 1 thread), float32");
    expect(stderr).toMatch(/weights .*\d+\/\d+/);
    expect(stderr).toMatch(/prompts .*1\/1/);
  });
});
