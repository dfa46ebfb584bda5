/** Reports: statistics, tables, comparisons, charts, and files that are none. */
import { describe, expect, it } from "vitest";
import { comparisonTable, parseReport, reportChart, reportTable } from "../src/index.js";
import type { BenchmarkReport, ContestantResult } from "../src/index.js";
import { percentile, spread } from "../src/statistics.js";

function report(rate: number, more: readonly ContestantResult[] = []): BenchmarkReport {
  const promptsPerSecond = { median: rate, min: rate - 1, max: rate + 1 };
  return {
    version: 1,
    date: "2026-01-02T03:04:05.000Z",
    machine: { processor: "a processor" },
    model: "a model",
    rounds: 3,
    works: { captions: { prompts: 10, tokens: 200 } },
    contestants: [
      {
        name: "wasm",
        device: "wasm simd",
        threads: 2,
        loadMs: 1234,
        memoryBytes: 151_000_000,
        deviation: { maximum: 1.2e-7, worstCosine: 1 },
        prompt: { p50: 1000 / rate, p95: 2000 / rate },
        captions: { promptsPerSecond, rowsPerPrompt: 20 },
      },
      ...more,
    ],
  };
}

it("statistics are those of the textbook", () => {
  expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(percentile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(percentile([10, 20], 0.95)).toBeCloseTo(19.5);
  expect(() => percentile([], 0.5)).toThrow("got none");
});

describe("a table", () => {
  it("has what was measured, and who was not", () => {
    const text = reportTable(report(50, [{ name: "webgpu", error: "no adapter" }]));
    expect(text).toContain("a model, medians of 3 rounds, 2026-01-02");
    expect(text).toMatch(/\| wasm +\| wasm simd, 2 threads \| +20 ms \| +40 ms \| 50\.0 \(49\.0–51\.0\) \|/);
    expect(text).toContain("1234 ms | 151.0 MB");
    expect(text).toContain("- webgpu: no adapter");
    expect(text).not.toContain("head prompts/s"); // nobody has any
  });
});

describe("a comparison", () => {
  it("says how many times as fast, above 1 being better", () => {
    const text = comparisonTable(report(50), report(100));
    expect(text).toMatch(/\| wasm +\| 2\.00 +\| +2\.00 \|/);
    expect(text).not.toContain("Not alike");
  });

  it("says what was not alike", () => {
    const other = { ...report(50, [{ name: "webgpu", loadMs: 1 }]), machine: { processor: "another" } };
    const text = comparisonTable(report(50), other);
    expect(text).toContain("- processor: a processor, then another");
    expect(text).toContain("- webgpu: only in the second");
  });
});

it("a chart is an SVG with every name and number", () => {
  const svg = reportChart(report(52));
  expect(svg).toMatch(/^<svg/);
  for (const text of ["wasm", "52", "captions per second"]) expect(svg).toContain(text);
});

describe("a file", () => {
  it("is read as it was written", () => {
    expect(parseReport(JSON.stringify(report(50)))).toEqual(report(50));
  });

  it.each([
    ["no JSON", /expected JSON/],
    ["null", /version 1, got undefined/],
    ['{"version":2}', /version 1, got 2/],
    ['{"version":1,"contestants":[{}],"works":{}}', /list of contestants/],
    ['{"version":1,"contestants":[]}', /list of contestants/],
  ])("that is no report is refused: %s", (json, message) => {
    expect(() => parseReport(json, "x.json")).toThrow(message);
    expect(() => parseReport(json, "x.json")).toThrow(/^x\.json: /);
  });
});
