/**
 * Measures contestants against one another: each is made once, compared with the reference, warmed up; then everybody
 * has a turn in every round, in rotated order, so that a slow minute slows all.
 *
 * Not here: who takes part (`node/contestants.ts`, `page/contestants.ts`).
 */
import { reference } from "@textower/backend-reference";
import { createTokenizer } from "@textower/tokenizer";
import { createTextEncoder } from "textower";
import type { ClipTextEncoder, TextEncoderOptions } from "textower";
import type { Contestant } from "./contestant.js";
import { SYNTHETIC_ACTIVATION, SYNTHETIC_MODELS, syntheticModel } from "./model.js";
import type { SyntheticModel } from "./model.js";
import { REPORT_VERSION } from "./report.js";
import type { BenchmarkReport, ContestantResult } from "./report.js";
import { percentile, spread } from "./statistics.js";
import { makeWorks, WORK_NAMES } from "./works.js";
import type { Work, WorkName, WorkSizes } from "./works.js";

/** A checkpoint, as `createTextEncoder` takes one, or the shape of a synthetic one. */
export type BenchmarkModel =
  | { readonly synthetic: SyntheticModel }
  | Pick<TextEncoderOptions, "model" | "activation" | "config" | "hub">;

/** Options of `runBenchmark`. */
export interface BenchmarkOptions {
  readonly contestants: readonly Contestant[];
  readonly model: BenchmarkModel;
  /** Default: all. */
  readonly works?: readonly WorkName[];
  readonly sizes?: WorkSizes;
  /** Default 5. */
  readonly rounds?: number;
  /** Where this runs; see `BenchmarkReport.machine`. */
  readonly machine: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Told what is being done, and how much of all is done, 0 to 1. */
  readonly onProgress?: (doing: string, done: number) => void;
}

/** Prompts whose vectors are compared with the reference: short, long, odd. Few, since plain loops are slow. */
const COMPARED = [
  "a photo of a cat",
  "",
  "two cats asleep on a red sofa, seen through a window in the rain",
  "🐱",
];
/** Milliseconds before a turn, in which the threads of the one before go to sleep. */
const PAUSE_MS = 100;

/** A contestant under way. */
interface Entrant {
  readonly contestant: Contestant;
  readonly encoder: ClipTextEncoder;
  result: ContestantResult;
  /** Work → seconds of each repetition, over all rounds. */
  readonly seconds: Map<WorkName, number[]>;
  readonly rows: Map<WorkName, number>;
  failed: boolean;
}

/**
 * Runs it. One that fails has its error in the report; the others go on.
 *
 * Rejects with what opening the model rejects with, or the signal's reason. Nothing stays open.
 */
export async function runBenchmark(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const { contestants, rounds = 5, machine, signal, onProgress = () => undefined } = options;
  const works = makeWorks(options.works ?? WORK_NAMES, options.sizes ?? {}, createTokenizer());
  const steps = contestants.length * (1 + rounds * works.length) + 1;
  let step = 0;
  const next = (doing: string): void => {
    signal?.throwIfAborted();
    onProgress(doing, step++ / steps);
  };
  next("opening the model");
  const { name, open } = await openBenchmarkModel(options.model);
  const entrants: Entrant[] = [];
  const absent: ContestantResult[] = [];
  try {
    const expected = await referenceVectors(open);
    for (const contestant of contestants) {
      next(`${contestant.name}: loading`);
      try {
        entrants.push(await enter(contestant, open, expected));
      } catch (error) {
        absent.push({ name: contestant.name, error: messageOf(error) });
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const work of works) {
        for (let turn = 0; turn < entrants.length; turn++) {
          const entrant = entrants[(turn + round) % entrants.length]!;
          next(`${entrant.contestant.name}: ${work.name}, round ${round + 1} of ${rounds}`);
          if (!entrant.failed) await takeTurn(entrant, work, round === 0);
        }
      }
    }
  } finally {
    for (const { encoder } of entrants) await encoder.dispose();
  }
  const results = new Map(entrants.map((entrant) => [entrant.contestant.name, resultOf(entrant, works)]));
  onProgress("done", 1);
  return {
    version: REPORT_VERSION,
    date: new Date().toISOString(),
    machine,
    model: name,
    rounds,
    works: Object.fromEntries(
      works.map(({ name, prompts, tokens }) => [name, { prompts: prompts.length, tokens }]),
    ),
    contestants: contestants.map(
      (each) => results.get(each.name) ?? absent.find((other) => other.name === each.name)!,
    ),
  };
}

type Open = (options: Pick<TextEncoderOptions, "backend" | "precision">) => Promise<ClipTextEncoder>;

async function openBenchmarkModel(model: BenchmarkModel): Promise<{ name: string; open: Open }> {
  if ("synthetic" in model) {
    if (!SYNTHETIC_MODELS.includes(model.synthetic)) {
      throw new RangeError(
        `runBenchmark: expected a synthetic model ${SYNTHETIC_MODELS.join(", ")}, got ${model.synthetic}`,
      );
    }
    const file = syntheticModel(model.synthetic);
    return {
      name: file.name,
      open: (options) =>
        createTextEncoder({ model: file, activation: SYNTHETIC_ACTIVATION, config: null, ...options }),
    };
  }
  const first = await createTextEncoder({ ...model, backend: reference() });
  await first.dispose();
  return { name: first.info.checkpoint, open: (options) => createTextEncoder({ ...model, ...options }) };
}

async function referenceVectors(open: Open): Promise<readonly Float32Array[]> {
  const encoder = await open({ backend: reference() });
  const { embeddings } = await encoder.encode(COMPARED);
  await encoder.dispose();
  return embeddings;
}

/** Makes a contestant: loads it, compares it, and so warms it up. */
async function enter(
  contestant: Contestant,
  open: Open,
  expected: readonly Float32Array[],
): Promise<Entrant> {
  const { name, backend, precision, downloadBytes, activate } = contestant;
  await activate?.();
  const support = await backend.isSupported();
  if (!support.supported) throw new Error(support.reason);
  const begin = performance.now();
  const encoder = await open({ backend, precision });
  try {
    await encoder.encode(COMPARED[0]!);
    const loadMs = performance.now() - begin;
    const { embeddings } = await encoder.encode(COMPARED);
    const { device, threads, notes, memoryBytes } = encoder.info;
    const result: ContestantResult = {
      name,
      device,
      precision,
      threads,
      notes,
      loadMs,
      memoryBytes,
      ...(downloadBytes !== undefined && { downloadBytes }),
      deviation: deviation(embeddings, expected),
    };
    return { contestant, encoder, result, seconds: new Map(), rows: new Map(), failed: false };
  } catch (error) {
    await encoder.dispose();
    throw error;
  }
}

/** One work, done once or as often as it says. The first round is preceded by a warm-up. */
async function takeTurn(entrant: Entrant, work: Work, isFirst: boolean): Promise<void> {
  const { contestant, encoder, seconds, rows } = entrant;
  try {
    await contestant.activate?.();
    if (isFirst) await encoder.encode(work.prompts);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const measured = seconds.get(work.name) ?? [];
    seconds.set(work.name, measured);
    for (let i = 0; i < work.repeats; i++) {
      const begin = performance.now();
      const encoded = await encoder.encode(work.prompts);
      measured.push((performance.now() - begin) / 1000);
      rows.set(work.name, encoded.rows);
    }
  } catch (error) {
    entrant.failed = true;
    entrant.result = { ...entrant.result, error: `${work.name}: ${messageOf(error)}` };
  }
}

function resultOf({ result, seconds, rows, failed }: Entrant, works: readonly Work[]): ContestantResult {
  if (failed) return result;
  const done: { -readonly [Name in WorkName]?: NonNullable<ContestantResult[Name]> } = {};
  for (const { name, prompts } of works) {
    const measured = seconds.get(name)!;
    if (name === "prompt") {
      done.prompt = { p50: percentile(measured, 0.5) * 1000, p95: percentile(measured, 0.95) * 1000 };
    } else {
      done[name] = {
        promptsPerSecond: spread(measured.map((each) => prompts.length / each)),
        rowsPerPrompt: rows.get(name)! / prompts.length,
      };
    }
  }
  return { ...result, ...done };
}

function deviation(
  vectors: readonly Float32Array[],
  expected: readonly Float32Array[],
): NonNullable<ContestantResult["deviation"]> {
  let [maximum, worstCosine] = [0, 1];
  vectors.forEach((vector, i) => {
    let cosine = 0; // both have length 1
    vector.forEach((value, at) => {
      const other = expected[i]![at]!;
      maximum = Math.max(maximum, Math.abs(value - other));
      cosine += value * other;
    });
    worstCosine = Math.min(worstCosine, cosine);
  });
  return { maximum, worstCosine };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
