/**
 * Timing: everybody once a round, each in turn first, medians over the rounds; and the search for a batch size.
 * Not here: who takes part, and in what.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Batch sizes that are tried, in this order. */
export const BATCHES = [1, 4, 8, 16, 32, 64, 128];

/** Share of the best rate below which a batch size is not tried again. */
const FAR_OFF = 0.6;

/** Milliseconds before a turn, for the last one's threads to stop spinning. */
const PAUSE = 100;

/** One turn. @returns seconds it took, and how many cores were busy meanwhile */
async function timed(work) {
  globalThis.gc?.();
  await sleep(PAUSE);
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await work();
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cores: (user + system) / 1e6 / seconds };
}

/**
 * @param entries - each with `work()`, which does `prompts` prompts
 * @returns for each entry its rates, prompts per second in each round, and cores busy
 */
export async function interleaved(entries, rounds, onTurn) {
  const results = entries.map(() => ({ rates: [], cores: [] }));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < entries.length; turn++) {
      const i = (turn + round) % entries.length;
      const { work, prompts } = entries[i];
      const { seconds, cores } = await timed(work);
      results[i].rates.push(prompts / seconds);
      results[i].cores.push(cores);
      onTurn?.(round, i, prompts / seconds);
    }
  }
  return results;
}

/**
 * The batch size with the highest rate, in two passes over all sizes; the second leaves out those that were far off,
 * and the better of a size's two rates counts, so that one slow moment decides nothing.
 * @param work - does the sample in batches of a size
 * @returns the size, and prompts per second by size
 */
export async function bestBatch(work, prompts) {
  const sizes = BATCHES.filter((size) => size === 1 || size <= prompts);
  const rates = {};
  const tryOut = async (size) => {
    const { seconds } = await timed(() => work(size));
    rates[size] = Math.max(rates[size] ?? 0, prompts / seconds);
  };
  for (const size of sizes) await tryOut(size);
  const enough = FAR_OFF * Math.max(...Object.values(rates));
  for (const size of sizes.filter((size) => rates[size] >= enough)) await tryOut(size);
  return { best: sizes.reduce((a, b) => (rates[b] > rates[a] ? b : a)), rates };
}

/** Median, least and greatest. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}
