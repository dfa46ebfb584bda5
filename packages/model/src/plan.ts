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
 * @param options - `sharePrefixes` as in `packRows`; `fullContext`, the context length of a tower with full attention,
 *   where every prompt takes that many rows
 */
export function planRuns(
  sequences: readonly TokenSequence[],
  maxRows: number,
  { sharePrefixes = true, fullContext }: { sharePrefixes?: boolean; fullContext?: number } = {},
): PlannedRun[] {
  // What a prompt's vector depends on: with full attention every token, otherwise those up to the pooled one.
  const lengths = sequences.map(({ ids, endOfText }) =>
    fullContext === undefined ? (endOfText ?? ids.length - 1) + 1 : ids.length,
  );
  const compare = (a: number, b: number): number => {
    const shared = commonPrefix(sequences[a]!, sequences[b]!, Math.min(lengths[a]!, lengths[b]!));
    if (shared === lengths[a] || shared === lengths[b]) return lengths[a]! - lengths[b]!;
    return sequences[a]!.ids[shared]! - sequences[b]!.ids[shared]!;
  };
  const order = sequences.map((_, index) => index).sort((a, b) => compare(a, b) || a - b);
  const runs: { sequences: TokenSequence[]; answers: number[][]; rows: number }[] = [];
  let run: (typeof runs)[number] | undefined;
  let previous = -1; // index of the last distinct prompt
  for (const index of order) {
    if (run !== undefined && compare(previous, index) === 0) {
      run.answers.at(-1)!.push(index);
      continue;
    }
    const sequence = sequences[index]!;
    const share = sharePrefixes && fullContext === undefined && run !== undefined;
    const limit = share ? Math.min(lengths[previous]!, lengths[index]!) : 0;
    const shared = share ? commonPrefix(sequences[previous]!, sequence, limit) : 0;
    const rows = fullContext ?? lengths[index]!;
    if (run === undefined || run.rows + rows - shared > maxRows) {
      run = { sequences: [], answers: [], rows };
      runs.push(run);
    } else {
      run.rows += rows - shared;
    }
    run.sequences.push(sequence);
    run.answers.push([index]);
    previous = index;
  }
  return runs;
}

/** Length of the common beginning of two prompts, at most `limit`. Beyond the end of one, ids are undefined. */
function commonPrefix(a: TokenSequence, b: TokenSequence, limit: number): number {
  let i = 0;
  while (i < limit && a.ids[i] === b.ids[i]) i++;
  return i;
}
