/**
 * What a benchmark found, as plain data: it goes to a file, is compared with another one, is drawn.
 *
 * Not here: measuring (`run.ts`).
 */
import { ReportError } from "./errors.js";

/** Version of this format. */
export const REPORT_VERSION = 1;

/** Least, median and greatest of the rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One prompt at a time, milliseconds. */
export interface LatencyResult {
  readonly p50: number;
  readonly p95: number;
}

/** Many prompts in one call. */
export interface ThroughputResult {
  readonly promptsPerSecond: Spread;
  /** Rows that went through the tower, for each prompt: common beginnings count once. */
  readonly rowsPerPrompt: number;
}

/** What came of one way to run the model. */
export interface ContestantResult {
  /** As `Contestant.name`. */
  readonly name: string;
  /** Why there is nothing else: it could not be made, or failed on the way. */
  readonly error?: string;
  /** What computes, in the backend's words. */
  readonly device?: string;
  readonly precision?: string;
  readonly threads?: number;
  readonly notes?: readonly string[];
  /** Milliseconds from an open checkpoint to the first vector: weights taken over, kernels compiled. */
  readonly loadMs?: number;
  /** Bytes that the executable holds, as it says; 0 if it cannot tell. */
  readonly memoryBytes?: number;
  /** Gzipped bytes of code that a page loads for it; absent where that is not known. */
  readonly downloadBytes?: number;
  /** How its vectors differ from those of plain loops with float64 sums. */
  readonly deviation?: {
    /** Greatest difference of a component; vectors have length 1. */
    readonly maximum: number;
    /** Least cosine. */
    readonly worstCosine: number;
  };
  readonly prompt?: LatencyResult;
  readonly captions?: ThroughputResult;
  readonly head?: ThroughputResult;
}

/** A report. */
export interface BenchmarkReport {
  readonly version: typeof REPORT_VERSION;
  /** ISO 8601. */
  readonly date: string;
  /** Where it ran, name → value: processor, cores, runtime, versions. For people. */
  readonly machine: Readonly<Record<string, string>>;
  readonly model: string;
  readonly rounds: number;
  /** Prompts of each work: how many, and how many tokens they have together. */
  readonly works: Readonly<Record<string, { readonly prompts: number; readonly tokens: number }>>;
  readonly contestants: readonly ContestantResult[];
}

/** Reads a report's JSON. @throws ReportError if it is none, or of another version */
export function parseReport(json: string, name = "the report"): BenchmarkReport {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new ReportError(`${name}: expected JSON, got something else`, { cause });
  }
  const { version, contestants, works } = (value ?? {}) as Partial<BenchmarkReport>;
  if (version !== REPORT_VERSION) {
    throw new ReportError(`${name}: expected a report of version ${REPORT_VERSION}, got ${String(version)}`);
  }
  const named = (each: unknown): boolean =>
    typeof each === "object" && each !== null && typeof (each as ContestantResult).name === "string";
  if (!Array.isArray(contestants) || !contestants.every(named) || typeof works !== "object") {
    throw new ReportError(`${name}: expected a list of contestants and works, got something else`);
  }
  return value as BenchmarkReport;
}
