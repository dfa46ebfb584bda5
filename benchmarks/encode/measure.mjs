/**
 * Timing: everybody once a round, each in turn first, medians over the rounds; and the search for a batch size.
 * Not here: who takes part, and in what.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Batch sizes that are tried, in this order. */
export const BATCHES = [1, 4, 8, 16, 32, 64, 128];

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
 * The batch size with the highest rate. Stops after two sizes in a row that were slower than the best before.
 * @param work - does the sample in batches of a size
 * @returns the size, and prompts per second by size
 */
export async function bestBatch(work, prompts) {
  const rates = {};
  let [best, slower] = [0, 0];
  for (const batch of BATCHES.filter((size) => size === 1 || size <= prompts)) {
    const { seconds } = await timed(() => work(batch));
    rates[batch] = prompts / seconds;
    if (best > 0 && rates[batch] < rates[best]) slower++;
    else [best, slower] = [batch, 0];
    if (slower === 2) break;
  }
  return { best, rates };
}

/** Median, least and greatest. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}
