import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openVectorFile } from "@textower/vector-files";
import { expect, test } from "vitest";
import { lines, onTerminal, relativeDifference, scratch, textower } from "./command.js";

/** As the conformance suite's table has it for float32. */
const TOLERANCE = 2e-5;
/** Made by PyTorch from the same weights; not normalised. */
const golden = (
  JSON.parse(readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8")) as {
    captions: { text: string; embedding: number[] }[];
  }
).captions;

test("captions with ids become Parquet with the vectors of PyTorch", async () => {
  const directory = scratch();
  const [input, output] = [join(directory, "captions.csv"), join(directory, "vectors.parquet")];
  writeFileSync(input, `id,title,page\n${golden.map(({ text }, i) => `c${i},"${text}",${i}\n`).join("")}`);
  const args = [
    "embed",
    input,
    "--out",
    output,
    "--text-column",
    "title",
    "--columns",
    "page",
    "--no-normalize",
  ];
  const { code, text, stderr } = await textower([...args, "--empty", "encode", "--format", "jsonl"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const summary = { rows: golden.length, skipped: 0, computed: golden.length, missingShards: 0, output };
  expect(lines<object>(text)).toEqual([summary]);
  const file = await openVectorFile(output);
  for await (const { count, dimension, data, ids, metadata } of file.batches()) {
    expect(ids).toEqual(golden.map((_, i) => `c${i}`));
    expect(metadata).toEqual(golden.map((_, i) => ({ page: String(i) })));
    for (let row = 0; row < count; row++) {
      const vector = [...data.subarray(row * dimension, (row + 1) * dimension)];
      expect(relativeDifference(vector, golden[row]!.embedding)).toBeLessThan(TOLERANCE);
    }
  }
  await file.close();
  expect(readdirSync(directory).toSorted()).toEqual(["captions.csv", "vectors.parquet"]);
});

test("parts, and what is still missing", async () => {
  const directory = scratch();
  const [input, output] = [join(directory, "c.txt"), join(directory, "v.npy")];
  writeFileSync(input, "a red circle\na blue star\na ring\n");
  const args = ["embed", input, "--out", output, "--shard-size", "1"];
  const first = await textower([...args, "--shard", "1/2"]);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first.text).toMatch(
    /^part 1 of 2 +3 vectors, 2 of them computed now\n +1 shards are still missing\n$/,
  );
  const whole = await textower(args);
  expect(whole.text).toMatch(/^written .*v\.npy\n +3 vectors, 1 of them computed now\n$/);
});

test("the command line or the input is at fault: exit code 2, one line, nothing written", async () => {
  const directory = scratch();
  const write = (name: string, content: string): string => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };
  const captions = write("c.txt", "a red circle\n");
  const out = join(directory, "v.npy");
  const cases: [args: string[], message: RegExp][] = [
    [["embed", captions], /required option '-o, --out <file>'/],
    [
      ["embed", captions, "--out", "v.bin"],
      /v\.bin: expected a name that ends in \.npy, \.safetensors, \.parquet, \.jsonl/,
    ],
    [["embed", captions, "--out", out, "--shard", "3/2"], /'3\/2' is invalid.*Expected i\/n/],
    [["embed", captions, "--out", out, "--id-column", "id"], /expected a column id, got text/],
    [["embed", join(directory, "none.txt"), "--out", out], /none\.txt: no such file/],
    [
      ["embed", write("gap.txt", "a\n\nb\n"), "--out", out],
      /gap\.txt, line 2: expected a text, got an empty one/,
    ],
    [
      ["embed", write("long.txt", `${"word ".repeat(90)}\n`), "--out", out],
      /long\.txt, line 1: .*expected at most 77 tokens, got 92/,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, text, stderr } = await textower(args);
    expect({ code, text }).toEqual({ code: 2, text: "" });
    expect(stderr).toMatch(/^textower: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  }
  expect(readdirSync(directory)).not.toContain("v.npy");
});

test("on a terminal there is a bar, with a rate, and what it runs on", async () => {
  const directory = scratch();
  const [input, output] = [join(directory, "c.txt"), join(directory, "v.npy")];
  writeFileSync(input, "a red circle\na blue star\n");
  const { code, stderr } = await onTerminal(["embed", input, "--out", output, "--backend", "reference"]);
  expect(code).toBe(0);
  expect(stderr).toContain("shapes on reference (cpu, 1 thread), float32");
  expect(stderr).toMatch(/encoding .*2\/2 [\d,]+\/s, 0:00:00 left/);
});
