/**
 * One work, done by everybody in turns: settings are found, everyone is warmed up, then come the rounds.
 * Not here: who takes part (`contestants/`), with what (`works.mjs`), the clock (`measure.mjs`).
 */
import { ours } from "./contestants/index.mjs";
import { bestBatch, interleaved, spread } from "./measure.mjs";
import { describe } from "./table.mjs";

/** Fewest prompts of a warm-up. */
const WARM_UP = 16;

/**
 * @param work - an element of `makeWorks`
 * @param contestantOf - an entry's contestant; undefined if there is none, its entries are left out
 * @returns what was done and how fast, plain data
 */
export async function compare({ title, prompts, sample, repeats, entries: plans }, contestantOf, rounds) {
  const lengths = prompts.map(({ ids }) => ids.length);
  const entries = [];
  for (const plan of plans) {
    const contestant = contestantOf(plan);
    if (contestant === undefined) continue;
    const entry = await prepare(contestant, plan, prompts, sample);
    // Skipped: the best batch turned out to be one that is an entry of its own.
    if (!entries.some(({ label }) => label === entry.label)) entries.push(entry);
  }

  const turns = entries.map(({ contestant, job, count }) => ({
    prompts: count * repeats,
    work: async () => {
      for (let i = 0; i < repeats; i++) await contestant.run(job);
    },
  }));
  const measured = await interleaved(turns, rounds, (round, i, rate) => {
    console.error(`  round ${round + 1}, ${entries[i].label}: ${rate.toFixed(1)}/s`);
  });
  const results = entries.map(({ plan, setting, tried, label, job, count }, i) => ({
    contestant: plan.contestant,
    threads: plan.threads,
    ...setting,
    ...(tried === undefined ? {} : { tried }),
    label,
    prompts: count,
    rowsPerPrompt: job.rows / count,
    promptsPerSecond: { ...spread(measured[i].rates), rounds: measured[i].rates },
    coresBusy: spread(measured[i].cores).median,
  }));
  return {
    title,
    prompts: prompts.length,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    longest: Math.max(...lengths),
    results: results.map((result) => ({ ...result, ratios: ratios(result, results) })),
  };
}

/** A plan with everything decided: the list in its order, the batch size, the job. The contestant is warm then. */
async function prepare(contestant, plan, prompts, sample) {
  const { contestant: name, order, rows, limit = prompts.length } = plan;
  const list = prompts.slice(0, limit);
  if (order === "sorted") list.sort((a, b) => a.ids.length - b.ids.length);
  const { best: batch, rates: tried } =
    plan.batch === "best" ? await findBatch(contestant, rows, list, sample) : { best: plan.batch };
  const setting = order === undefined ? {} : { order, batch, rows }; // ours make runs of their own
  const first = list.slice(0, Math.max(WARM_UP, batch ?? 0));
  await contestant.run(contestant.prepare(first, setting));
  const label = describe({
    name,
    threads: plan.threads,
    ...setting,
    limit: limit < prompts.length ? limit : undefined,
  });
  return {
    contestant,
    plan,
    setting,
    tried,
    label,
    job: contestant.prepare(list, setting),
    count: list.length,
  };
}

/** The best batch size for prompts from the middle of the list. */
async function findBatch(contestant, rows, list, sample) {
  const begin = Math.max(0, Math.floor((list.length - sample) / 2));
  const part = list.slice(begin, begin + sample);
  await contestant.run(contestant.prepare(part.slice(0, 8), { batch: 8, rows })); // warm-up
  return bestBatch((batch) => contestant.run(contestant.prepare(part, { batch, rows })), part.length);
}

/** How many times as fast each of ours is, on as many threads. */
function ratios({ threads, promptsPerSecond }, results) {
  return Object.fromEntries(
    ours.flatMap((name) => {
      const mine = results.find((other) => other.contestant === name && other.threads === threads);
      return mine === undefined ? [] : [[name, mine.promptsPerSecond.median / promptsPerSecond.median]];
    }),
  );
}
