/** The command: runs the benchmark here, serves the page, compares reports. */
import { writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { Activation } from "@textower/weights";
import { reportChart } from "../chart.js";
import { SYNTHETIC_MODELS } from "../model.js";
import type { SyntheticModel } from "../model.js";
import { parseReport } from "../report.js";
import { runBenchmark } from "../run.js";
import type { BenchmarkModel } from "../run.js";
import { comparisonTable, reportTable } from "../table.js";
import { WORK_NAMES } from "../works.js";
import type { WorkName } from "../works.js";
import { findContestants } from "./contestants.js";
import { describeMachine } from "./machine.js";
import { servePage } from "./serve.js";

interface RunFlags {
  readonly model: string;
  readonly activation?: Activation;
  readonly only?: readonly string[];
  readonly works: readonly WorkName[];
  readonly rounds: number;
  readonly threads: number;
  readonly captions: number;
  readonly classes: number;
  readonly json?: string;
  readonly chart?: string;
}

/** Runs the process's command line and sets its exit code: 0, 1 for a failure, 2 for a bad command line. */
export async function main(): Promise<void> {
  try {
    await createProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    process.stderr.write(`textower-benchmark: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

function createProgram(): Command {
  const program = new Command("textower-benchmark")
    .description("Measures textower's backends against one another.")
    .exitOverride();
  program
    .command("run", { isDefault: true })
    .description("measure here, with the runtimes that are installed")
    .option(
      "-m, --model <model>",
      `${SYNTHETIC_MODELS.join(", ")} (made-up weights, no download), or a checkpoint's file, directory, URL or name on the Hub`,
      "ViT-B-32",
    )
    .option("--activation <name>", "the checkpoint's activation, where nothing else says it")
    .option("--only <names...>", "backends whose name contains one of these")
    .addOption(new Option("--works <names...>", "what to measure").choices(WORK_NAMES).default(WORK_NAMES))
    .option("--rounds <count>", "turns of everybody", count, 5)
    .option("--threads <count>", "threads that compute", count, availableParallelism())
    .option("--captions <count>", "captions of a turn", count, 128)
    .option("--classes <count>", "classes of the head, of 80 templates each; at most 25", count, 5)
    .option("--json <file>", "write the report")
    .option("--chart <file>", "write a chart, an SVG")
    .action(measure);
  program
    .command("serve")
    .description("serve the same as a page")
    .option("--port <port>", "0 takes a free one", (text) => (text === "0" ? 0 : count(text)), 8080)
    .option("--host <address>", "where to listen", "127.0.0.1")
    .action(async ({ port, host }: { readonly port: number; readonly host: string }) => {
      const { url } = await servePage(port, host);
      process.stdout.write(`${url}\n`);
    });
  program
    .command("compare")
    .description("how many times as fast the second report is")
    .argument("<before.json>")
    .argument("<after.json>")
    .action(async (before: string, after: string) => {
      const [first, second] = await Promise.all(
        [before, after].map(async (path) => parseReport(await readFile(path, "utf8"), path)),
      );
      process.stdout.write(comparisonTable(first!, second!));
    });
  return program;
}

async function measure(flags: RunFlags): Promise<void> {
  const { only, works, rounds, threads, captions, classes, json, chart } = flags;
  for (const path of [json, chart]) if (path !== undefined) writeFileSync(path, ""); // better now than after an hour
  const { contestants, absent } = await findContestants(threads);
  const chosen = contestants.filter(({ name }) => only?.some((part) => name.includes(part)) ?? true);
  for (const { name, reason } of only === undefined ? absent : []) say(`${name}: ${reason}`);
  if (chosen.length === 0) {
    const names = contestants.map(({ name }) => name).join("; ");
    throw new RangeError(`--only: expected part of one of: ${names}; got ${only?.join(", ")}`);
  }
  const report = await runBenchmark({
    contestants: chosen,
    model: modelOf(flags),
    works,
    sizes: { captions, classes },
    rounds,
    machine: describeMachine(),
    onProgress: (doing, done) => say(`${String(Math.round(done * 100)).padStart(3)} %  ${doing}`),
  });
  process.stdout.write(reportTable(report));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  if (chart !== undefined) await writeFile(chart, reportChart(report));
  process.exit(report.contestants.every(({ error }) => error !== undefined) ? 1 : 0); // runtimes leave threads behind
}

function modelOf({ model, activation }: RunFlags): BenchmarkModel {
  const synthetic = SYNTHETIC_MODELS.find((name) => name === model);
  if (synthetic !== undefined) return { synthetic: synthetic satisfies SyntheticModel };
  return { model, ...(activation !== undefined && { activation }) };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new InvalidArgumentError("Expected a whole number from 1.");
  return value;
}
