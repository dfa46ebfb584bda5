/** Measuring, in Node: real backends on a small model, one that fails, the command. No test looks at a time. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { reference } from "@textower/backend-reference";
import { wasm } from "@textower/backend-wasm";
import { createTokenizer } from "@textower/tokenizer";
import { describe, expect, it, onTestFinished } from "vitest";
import { headPrompts, mixedCaptions, parseReport, runBenchmark } from "../src/index.js";
import type { Contestant } from "../src/index.js";

const BIN = fileURLToPath(new URL("../bin/textower-benchmark.js", import.meta.url));
const sizes = { prompts: 2, captions: 6, classes: 1 };

function command(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args]);
    const [stdout, stderr]: [string[], string[]] = [[], []];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(String(chunk)));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(String(chunk)));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout: stdout.join(""), stderr: stderr.join("") }));
  });
}

describe("a run", () => {
  const good: Contestant[] = [
    { name: "wasm", backend: wasm({ threads: 1 }), precision: "float32", downloadBytes: 1000 },
    { name: "wasm int8", backend: wasm({ threads: 1 }), precision: "int8" },
  ];

  it("measures everybody, and goes on without those that fail", async () => {
    const failing = { ...reference(), compile: () => Promise.reject(new Error("no memory")) };
    const absent = {
      ...reference(),
      isSupported: async () => ({ supported: false as const, reason: "not here" }),
    };
    const seen: number[] = [];
    const report = await runBenchmark({
      contestants: [
        good[0]!,
        { name: "failing", backend: failing, precision: "float32" },
        { name: "absent", backend: absent, precision: "float32" },
        good[1]!,
      ],
      model: { synthetic: "small" },
      sizes,
      rounds: 2,
      machine: { here: "yes" },
      onProgress: (_, done) => seen.push(done),
    });
    expect(report.contestants.map(({ name, error }) => [name, error])).toEqual([
      ["wasm", undefined],
      ["failing", "no memory"],
      ["absent", "not here"],
      ["wasm int8", undefined],
    ]);
    expect(report.works).toMatchObject({ prompt: { prompts: 1, tokens: 7 }, head: { prompts: 80 } });
    const [plain, , , int8] = report.contestants;
    expect(plain).toMatchObject({ precision: "float32", threads: 1, downloadBytes: 1000 });
    expect(plain!.deviation!.maximum).toBeLessThan(1e-5);
    expect(int8!.deviation!.maximum).toBeGreaterThan(1e-5);
    expect(int8!.deviation!.worstCosine).toBeGreaterThan(0.995);
    expect(plain!.memoryBytes).toBeGreaterThan(int8!.memoryBytes!);
    for (const { prompt, captions, head } of [plain!, int8!]) {
      expect(prompt!.p95).toBeGreaterThanOrEqual(prompt!.p50);
      expect(captions!.promptsPerSecond.median).toBeGreaterThan(0);
      expect(head!.rowsPerPrompt).toBeLessThan(10); // 80 templates have much in common
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
    expect(parseReport(JSON.stringify(report))).toEqual(report);
  });

  it("can be stopped", async () => {
    const controller = new AbortController();
    const running = runBenchmark({
      contestants: good,
      model: { synthetic: "small" },
      machine: {},
      signal: controller.signal,
      onProgress: (doing) => {
        if (doing.includes("round")) controller.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
  });

  it("refuses a shape that it does not know", async () => {
    const model = { synthetic: "huge" as never };
    await expect(runBenchmark({ contestants: good, model, machine: {} })).rejects.toThrow(/got huge/);
  });
});

it("prompts are the same on every run, and of the lengths they should be", () => {
  const tokenizer = createTokenizer();
  const tokens = (text: string): number => tokenizer.encode(text).ids.length;
  const captions = mixedCaptions(64, tokens);
  expect(captions).toEqual(mixedCaptions(64, tokens));
  expect(new Set(captions).size).toBe(64);
  for (const caption of captions) expect(tokens(caption)).toBeLessThanOrEqual(60);
  expect(headPrompts(25)).toHaveLength(2000);
  expect(() => headPrompts(26)).toThrow("expected 1 to 25 classes, got 26");
});

describe("the command", () => {
  it("measures, writes a report and a chart, and compares reports", async () => {
    const folder = await mkdtemp(join(tmpdir(), "textower-benchmark-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const [json, chart] = [join(folder, "report.json"), join(folder, "chart.svg")];
    const outputs = ["--json", json, "--chart", chart];
    const size = ["--captions", "4", "--classes", "1", "--rounds", "1", "--works", "prompt", "captions"];
    const run = await command("-m", "small", "--only", "wasm", "onnxruntime-node", ...size, ...outputs);
    expect(run).toMatchObject({ code: 0 });
    const report = parseReport(await readFile(json, "utf8"));
    const names = report.contestants.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["wasm", "wasm int8", "onnx on onnxruntime-node"]));
    expect(report.contestants.filter(({ error }) => error !== undefined)).toEqual([]);
    for (const name of names) expect(run.stdout).toContain(`| ${name} `);
    expect(await readFile(chart, "utf8")).toMatch(/^<svg/);
    const comparison = await command("compare", json, json);
    expect(comparison).toMatchObject({ code: 0, stderr: "" });
    expect(comparison.stdout).toMatch(/\| wasm +\| 1\.00 /);
  });

  it.each([
    [["--rounds", "none"], 2],
    [["--works", "all"], 2],
    [["--only", "nobody", "-m", "small"], 1],
    [["compare", "missing.json", "missing.json"], 1],
  ])("%j ends with %i", async (args, expected) => {
    const { code, stderr, stdout } = await command(...args);
    expect(code).toBe(expected);
    expect(stdout).toBe("");
    expect(stderr).not.toBe("");
  });
});
