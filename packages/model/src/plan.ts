/**
 * The run planner: any number of prompts, cut into runs of bounded rows so that prefixes meet.
 *
 * Prompts are sorted by their tokens; neighbours then share the longest prefixes there are, and a run is a stretch of
 * the sorted list. A prefix that two runs share is computed in each: the cost of bounded memory. Equal prompts are
 * computed once, whatever their number.
 */
import type { TokenSequence } from "./pack.js";

/** One run: distinct prompts, and who asked for each. */
export interface PlannedRun {
  /** Distinct prompts of this run, sorted. */
  readonly sequences: readonly TokenSequence[];
  /** For each of `sequences`, the indices of the prompts in the caller's order that it answers. */
  readonly answers: readonly (readonly number[])[];
  /** Rows of the run with its prefixes shared. */
  readonly rows: number;
}

/**
 * Plans runs over prompts. Every index of `sequences` stands in exactly one run's `answers`.
 * @param maxRows - most rows of a run; a prompt longer than this gets a run to itself
 * @param sharePrefixes - false for towers with full attention, where each prompt costs `rowsPerPrompt`
 */
export function planRuns(
  sequences: readonly TokenSequence[],
  maxRows: number,
  { sharePrefixes = true, rowsPerPrompt }: { sharePrefixes?: boolean; rowsPerPrompt?: number } = {},
): PlannedRun[] {
  const order = sequences
    .map((_, index) => index)
    .sort((a, b) => compareTokens(sequences[a]!, sequences[b]!) || a - b);
  const runs: { sequences: TokenSequence[]; answers: number[][]; rows: number }[] = [];
  let run: (typeof runs)[number] | undefined;
  let previous: TokenSequence | undefined;
  for (const index of order) {
    const sequence = sequences[index]!;
    if (run !== undefined && previous !== undefined && compareTokens(previous, sequence) === 0) {
      run.answers.at(-1)!.push(index);
      continue;
    }
    const length = rowsPerPrompt ?? pooledLength(sequence);
    const shared = sharePrefixes && previous !== undefined ? commonPrefix(previous, sequence) : 0;
    if (run === undefined || run.rows + length - shared > maxRows) {
      run = { sequences: [], answers: [], rows: length };
      runs.push(run);
    } else {
      run.rows += length - shared;
    }
    run.sequences.push(sequence);
    run.answers.push([index]);
    previous = sequence;
  }
  return runs;
}

/** Tokens up to and including the pooled one. */
function pooledLength({ ids, endOfText }: TokenSequence): number {
  return (endOfText ?? ids.length - 1) + 1;
}

function commonPrefix(a: TokenSequence, b: TokenSequence): number {
  const length = Math.min(pooledLength(a), pooledLength(b));
  let i = 0;
  while (i < length && a.ids[i] === b.ids[i]) i++;
  return i;
}

function compareTokens(a: TokenSequence, b: TokenSequence): number {
  const i = commonPrefix(a, b);
  const [lengthA, lengthB] = [pooledLength(a), pooledLength(b)];
  return i < lengthA && i < lengthB ? a.ids[i]! - b.ids[i]! : lengthA - lengthB;
}
