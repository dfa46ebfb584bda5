import { expect, test } from "vitest";
import { packRows, packSegments, planRuns, promptRows } from "../src/index.js";
import type { TokenSequence } from "../src/index.js";

const prompts: TokenSequence[] = [
  { ids: [1, 5, 6, 2] },
  { ids: [1, 5, 7, 8, 2] },
  { ids: [1, 2] },
  { ids: [1, 5, 6, 2] },
  { ids: [1, 5, 2, 9, 2], endOfText: 2 },
];

test("equal beginnings share rows, a parent precedes its children", () => {
  const packed = packRows(prompts);
  expect([...packed.ids]).toEqual([1, 5, 6, 2, 7, 8, 2, 2, 2]);
  expect([...packed.parents!]).toEqual([-1, 0, 1, 2, 1, 4, 5, 0, 1]);
  expect([...packed.positions]).toEqual([0, 1, 2, 3, 2, 3, 4, 1, 2]);
  expect([...packed.pooled]).toEqual([3, 6, 7, 3, 8]);
  expect(prompts.map((_, i) => Array.from(promptRows(packed, i), (row) => packed.ids[row]))).toEqual([
    [1, 5, 6, 2],
    [1, 5, 7, 8, 2],
    [1, 2],
    [1, 5, 6, 2],
    [1, 5, 2],
  ]);
});

test("without sharing every token has a row", () => {
  const packed = packRows(prompts, { sharePrefixes: false });
  expect([...packed.ids]).toEqual([1, 5, 6, 2, 1, 5, 7, 8, 2, 1, 2, 1, 5, 6, 2, 1, 5, 2]);
  expect([...packed.pooled]).toEqual([3, 8, 10, 14, 17]);
});

test("full attention keeps the whole context, padding included", () => {
  const packed = packSegments(prompts.slice(1, 3), { contextLength: 6, padId: 0 });
  expect([...packed.ids]).toEqual([1, 5, 7, 8, 2, 0, 1, 2, 0, 0, 0, 0]);
  expect([...packed.segments!]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  expect([...packed.positions]).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
  expect([...packed.pooled]).toEqual([4, 7]);
  expect([...promptRows(packed, 1)]).toEqual([6, 7]);
});

test("refuses what cannot be packed", () => {
  expect(() => packRows([])).toThrow("packRows: expected at least one prompt, got none");
  expect(() => packRows([{ ids: [] }])).toThrow("within the 0 tokens of prompt 0");
  expect(() => packRows([{ ids: [1, 2], endOfText: 2 }])).toThrow(RangeError);
  expect(() => packSegments(prompts, { contextLength: 4, padId: 0 })).toThrow(
    "expected at most 4 tokens, got 5",
  );
  expect(() => promptRows(packRows(prompts), 5)).toThrow("expected a prompt in 0…4, got 5");
});

test("a plan answers every prompt once, within its bound, and never computes a prompt twice", () => {
  const many = Array.from({ length: 400 }, (_, i): TokenSequence => {
    const length = (i * 7) % 30;
    return { ids: [1, ...Array.from({ length }, (_, j) => 10 + ((i * j) % 3)), 2] };
  });
  const runs = planRuns(many, 64);
  const answered = runs.flatMap((run) => run.answers.flat());
  expect(answered.toSorted((a, b) => a - b)).toEqual(many.map((_, i) => i));
  const distinct = new Set(many.map(({ ids }) => Array.from(ids).join()));
  expect(runs.flatMap((run) => run.sequences)).toHaveLength(distinct.size);
  for (const run of runs) {
    expect(run.rows).toBeLessThanOrEqual(64);
    expect(packRows(run.sequences).ids).toHaveLength(run.rows);
    run.sequences.forEach((sequence, i) => {
      for (const index of run.answers[i]!) expect(many[index]!.ids).toEqual(sequence.ids);
    });
  }
});

test("a plan tells prompts apart by what their vectors depend on", () => {
  // Beyond the pooled token nothing counts in a causal tower; with full attention everything does.
  const pair: TokenSequence[] = [
    { ids: [1, 5, 2, 9, 2], endOfText: 2 },
    { ids: [1, 5, 2, 8, 2], endOfText: 2 },
  ];
  expect(planRuns(pair, 64).flatMap((run) => run.sequences)).toHaveLength(1);
  const full = planRuns(pair, 12, { fullContext: 6 });
  expect(full.map(({ rows, answers }) => [rows, answers])).toEqual([[12, [[1], [0]]]]);
  expect(planRuns(pair, 6, { fullContext: 6 })).toHaveLength(2);
  expect(planRuns([], 64)).toEqual([]);
  expect(planRuns([{ ids: [1, 5, 6, 2] }], 2)[0]!.rows).toBe(4);
});
