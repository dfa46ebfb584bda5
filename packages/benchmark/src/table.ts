/** A report, and a comparison of two, as tables of text. */
import type { BenchmarkReport, ContestantResult } from "./report.js";

/** One column: its heading, and what a contestant has there. */
interface Column {
  readonly heading: string;
  readonly cell: (result: ContestantResult) => string;
}

const COLUMNS: readonly Column[] = [
  { heading: "backend", cell: ({ name }) => name },
  { heading: "device", cell: ({ device, threads }) => deviceOf(device, threads) },
  { heading: "1 prompt p50", cell: ({ prompt }) => milliseconds(prompt?.p50) },
  { heading: "p95", cell: ({ prompt }) => milliseconds(prompt?.p95) },
  { heading: "captions/s", cell: ({ captions }) => rate(captions) },
  { heading: "head prompts/s", cell: ({ head }) => rate(head) },
  { heading: "load", cell: ({ loadMs }) => milliseconds(loadMs) },
  { heading: "memory", cell: ({ memoryBytes }) => bytes(memoryBytes) },
  { heading: "download", cell: ({ downloadBytes }) => bytes(downloadBytes) },
  { heading: "greatest deviation", cell: ({ deviation }) => deviation?.maximum.toExponential(1) ?? "" },
  { heading: "worst cosine", cell: ({ deviation }) => deviation?.worstCosine.toFixed(6) ?? "" },
];

/** Headings and cells, for a table in a page. Columns that nobody has anything in are left out. */
export function reportCells({ contestants }: BenchmarkReport): { headings: string[]; rows: string[][] } {
  const rows = contestants.filter(({ error }) => error === undefined);
  const shown = COLUMNS.filter(({ cell }) => rows.some((row) => cell(row) !== ""));
  return {
    headings: shown.map(({ heading }) => heading),
    rows: rows.map((row) => shown.map(({ cell }) => cell(row))),
  };
}

/** "medians of 3 rounds" */
export function roundsOf({ rounds }: BenchmarkReport): string {
  return rounds === 1 ? "one round" : `medians of ${rounds} rounds`;
}

/** The report as Markdown: what ran, where, and who could not. */
export function reportTable(report: BenchmarkReport): string {
  const { machine, model, date, works, contestants } = report;
  const { headings, rows } = reportCells(report);
  const facts = Object.entries(machine).map(([name, value]) => `${name} ${value}`);
  const measured = Object.entries(works).map(
    ([name, { prompts, tokens }]) => `${name}: ${prompts} prompts, ${tokens} tokens`,
  );
  const failures = contestants
    .filter(({ error }) => error !== undefined)
    .map(({ name, error }) => `${name}: ${error}`);
  return [
    `${model}, ${roundsOf(report)}, ${date.slice(0, 10)}`,
    facts.join(", "),
    measured.join("; "),
    "",
    ...markdown(headings, rows),
    ...(failures.length > 0 ? ["", "Not measured:", ...failures.map((line) => `- ${line}`)] : []),
    "",
  ].join("\n");
}

/** How many times as fast the second report is, contestant by contestant, as Markdown. */
export function comparisonTable(before: BenchmarkReport, after: BenchmarkReport): string {
  const rows: string[][] = [];
  for (const now of after.contestants) {
    const then = before.contestants.find(({ name }) => name === now.name);
    const cells = [
      ratio(then?.prompt?.p50, now.prompt?.p50),
      ratio(now.captions?.promptsPerSecond.median, then?.captions?.promptsPerSecond.median),
      ratio(now.head?.promptsPerSecond.median, then?.head?.promptsPerSecond.median),
      ratio(then?.loadMs, now.loadMs),
      ratio(then?.memoryBytes, now.memoryBytes),
    ];
    if (cells.some((cell) => cell !== "")) rows.push([now.name, ...cells]);
  }
  const only = (one: BenchmarkReport, other: BenchmarkReport): string[] =>
    one.contestants
      .filter(({ name }) => !other.contestants.some((each) => each.name === name))
      .map(({ name }) => name);
  const notes = [
    ...difference("model", before.model, after.model),
    ...Object.keys({ ...before.machine, ...after.machine }).flatMap((key) =>
      difference(key, before.machine[key], after.machine[key]),
    ),
    ...difference("works", JSON.stringify(before.works), JSON.stringify(after.works)),
    ...only(before, after).map((name) => `${name}: only in the first`),
    ...only(after, before).map((name) => `${name}: only in the second`),
  ];
  const headings = ["backend", "1 prompt", "captions", "head", "load", "memory"];
  return [
    "How many times as fast the second is (memory: how many times as small); above 1 is better.",
    "",
    ...markdown(headings, rows),
    ...(notes.length > 0 ? ["", "Not alike:", ...notes.map((note) => `- ${note}`)] : []),
    "",
  ].join("\n");
}

function difference(name: string, before: string | undefined, after: string | undefined): string[] {
  return before === after ? [] : [`${name}: ${before ?? "unknown"}, then ${after ?? "unknown"}`];
}

function markdown(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, at) =>
    Math.max(heading.length, ...rows.map((row) => row[at]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at < 2 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(" | ")} |`;
  const rule = widths.map((width, at) => (at < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(headings), line(rule), ...rows.map(line)];
}

function deviceOf(device: string | undefined, threads: number | undefined): string {
  if (device === undefined) return "";
  return threads === undefined || threads === 1 ? device : `${device}, ${threads} threads`;
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? "" : `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}

function rate(result: ContestantResult["captions"]): string {
  if (result === undefined) return "";
  const { median, min, max } = result.promptsPerSecond;
  const digits = median < 100 ? 1 : 0;
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

function bytes(value: number | undefined): string {
  if (value === undefined || value === 0) return "";
  return value < 1e6 ? `${(value / 1e3).toFixed(0)} kB` : `${(value / 1e6).toFixed(1)} MB`;
}

function ratio(numerator: number | undefined, denominator: number | undefined): string {
  if (!numerator || !denominator) return "";
  return (numerator / denominator).toFixed(2);
}
