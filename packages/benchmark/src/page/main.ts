/** The page: settings, progress, results. Measuring takes place in `run.ts`, as in Node. */
import type { Activation } from "@textower/weights";
import { drawChart, reportChart } from "../chart.js";
import type { DrawnChart } from "../chart.js";
import type { Contestant } from "../contestant.js";
import { parseReport } from "../report.js";
import type { BenchmarkReport } from "../report.js";
import { runBenchmark } from "../run.js";
import type { BenchmarkModel } from "../run.js";
import type { SyntheticModel } from "../model.js";
import { comparisonTable, reportCells, roundsOf } from "../table.js";
import type { WorkName } from "../works.js";
import { findContestants } from "./contestants.js";
import { describeMachine } from "./machine.js";

function element<Type extends HTMLElement>(selector: string): Type {
  return document.querySelector<Type>(selector)!;
}

const form = element<HTMLFormElement>("#settings");
const runButton = element<HTMLButtonElement>("#run");
const stopButton = element<HTMLButtonElement>("#stop");
let contestants: readonly Contestant[] = [];
let chart: DrawnChart | undefined;
let report: BenchmarkReport | undefined;
/** Addresses of what can be saved, to be revoked. */
let saved: string[] = [];

async function listContestants(): Promise<void> {
  const found = await findContestants();
  contestants = found.contestants;
  const list = element("#contestants");
  element("#looking").remove();
  for (const { name } of contestants) {
    const box = Object.assign(document.createElement("input"), {
      type: "checkbox",
      name: "contestant",
      value: name,
      checked: true,
    });
    const label = document.createElement("label");
    label.append(box, ` ${name}`);
    list.append(label);
  }
  for (const { name, reason } of found.absent) {
    const line = Object.assign(document.createElement("p"), {
      className: "absent",
      textContent: `${name}: ${reason}`,
    });
    list.append(line);
  }
  runButton.disabled = false;
}

function modelOf(data: FormData): BenchmarkModel {
  const file = data.get("file");
  if (file instanceof File && file.size > 0) {
    return { model: file, activation: data.get("activation") as Activation };
  }
  return { synthetic: data.get("synthetic") as SyntheticModel };
}

async function run(): Promise<void> {
  const data = new FormData(form);
  const chosen = data.getAll("contestant");
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  stopButton.addEventListener("click", stop);
  const progress = element("#progress");
  setRunning(true);
  try {
    report = await runBenchmark({
      contestants: contestants.filter(({ name }) => chosen.includes(name)),
      model: modelOf(data),
      works: data.getAll("work") as WorkName[],
      sizes: { prompts: 10, captions: 64, classes: 1 },
      rounds: Number(data.get("rounds")),
      machine: await describeMachine(),
      signal: controller.signal,
      onProgress: (doing, done) => {
        progress.querySelector("progress")!.value = done;
        progress.querySelector("p")!.textContent = doing;
      },
    });
    show(report);
  } catch (error) {
    if (!controller.signal.aborted) fail(error);
  } finally {
    stopButton.removeEventListener("click", stop);
    setRunning(false);
  }
}

function setRunning(running: boolean): void {
  element("#progress").hidden = !running;
  stopButton.hidden = !running;
  runButton.disabled = running;
  if (running) element("#failure").hidden = true;
}

function fail(error: unknown): void {
  const failure = element("#failure");
  failure.textContent = error instanceof Error ? error.message : String(error);
  failure.hidden = false;
}

function show(shown: BenchmarkReport): void {
  element("#results").hidden = false;
  const machine = Object.entries(shown.machine).map(([name, value]) => `${name} ${value}`);
  element("#facts").textContent = `${shown.model}, ${roundsOf(shown)}; ${machine.join(", ")}`;
  showTable(shown);
  element("#failures").replaceChildren(
    ...shown.contestants
      .filter(({ error }) => error !== undefined)
      .map(({ name, error }) =>
        Object.assign(document.createElement("li"), { textContent: `${name}: ${error}` }),
      ),
  );
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  chart?.dispose();
  chart = drawChart(element("#chart"), shown, dark ? "dark" : "light");
  for (const address of saved) URL.revokeObjectURL(address);
  saved = [];
  element<HTMLAnchorElement>("#save-json").href = toSave(JSON.stringify(shown, null, 2), "application/json");
  element<HTMLAnchorElement>("#save-svg").href = toSave(reportChart(shown), "image/svg+xml");
  element<HTMLAnchorElement>("#save-png").href = chart.png();
}

function showTable(shown: BenchmarkReport): void {
  const { headings, rows } = reportCells(shown);
  const line = (cells: readonly string[], tag: "th" | "td"): HTMLTableRowElement => {
    const row = document.createElement("tr");
    for (const text of cells) row.append(Object.assign(document.createElement(tag), { textContent: text }));
    return row;
  };
  const head = document.createElement("thead");
  head.append(line(headings, "th"));
  const body = document.createElement("tbody");
  body.append(...rows.map((row) => line(row, "td")));
  element("#table").replaceChildren(head, body);
}

function toSave(content: string, type: string): string {
  const address = URL.createObjectURL(new Blob([content], { type }));
  saved.push(address);
  return address;
}

async function compare(file: File): Promise<void> {
  const comparison = element("#comparison");
  try {
    comparison.textContent = comparisonTable(parseReport(await file.text(), file.name), report!);
    comparison.hidden = false;
  } catch (error) {
    fail(error);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void run();
});
element("#earlier").addEventListener("change", ({ target }) => {
  const file = (target as HTMLInputElement).files?.[0];
  if (file !== undefined) void compare(file);
});
listContestants().catch(fail);
