/** @textower/benchmark: measures backends against one another. Importing does nothing; the command and the page use it. */
export { runBenchmark } from "./run.js";
export type { BenchmarkModel, BenchmarkOptions } from "./run.js";
export type { Absentee, Contestant } from "./contestant.js";
export { parseReport, REPORT_VERSION } from "./report.js";
export type { BenchmarkReport, ContestantResult, LatencyResult, Spread, ThroughputResult } from "./report.js";
export { comparisonTable, reportCells, reportTable } from "./table.js";
export { reportChart } from "./chart.js";
export { ReportError } from "./errors.js";
export { SYNTHETIC_MODELS, syntheticModel } from "./model.js";
export type { SyntheticModel } from "./model.js";
export { WORK_NAMES } from "./works.js";
export type { WorkName, WorkSizes } from "./works.js";
export { mixedCaptions } from "./prompts/captions.js";
export { headPrompts } from "./prompts/head.js";
