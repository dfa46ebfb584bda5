/**
 * Random schedules of faults, each from its seed. Whatever happens, a file is right or there is an error with a name;
 * the cache stays sound; and once the faults are over the file is to be had.
 */
import { describe, expect, it } from "vitest";
import { HubError } from "../src/index.js";
import { commitOf, noise, startHub } from "./hub-server.mjs";
import type { Fault, TestHub } from "./hub-server.mjs";
import { expectBytes, expectSoundCache, open, temporaryFolder } from "./support.js";

/** Enough that every kind of fault meets every stage; small enough that 200 schedules take seconds. */
const COMMIT = commitOf("faults");
const FILES = {
  "model.safetensors": noise(4 * 2 ** 20 + 300_001, 7),
  "config.json": noise(3000, 8),
  "small.bin": noise(200_000, 9),
};
const NAME = "some/model";
const SCHEDULES = 200;

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param verified - whether wrong bytes would be noticed: by range only sizes can be */
function randomFault(random: () => number, verified: boolean): Fault {
  const statuses = [401, 403, 404, 408, 410, 416, 429, 500, 502, 503, 504];
  const where = random();
  const faults: Fault[] = [
    { kind: "cut", where },
    { kind: "cut", where },
    { kind: "stall", where },
    { kind: "short", where },
    { kind: "long" },
    { kind: "reset" },
    { kind: "wrong-total" },
    { kind: "wrong-range" },
    { kind: "ignore-range" },
    { kind: "status", status: 429, headers: { "Retry-After": "1" } },
    { kind: "status", status: 503 },
    { kind: "status", status: statuses[Math.floor(random() * statuses.length)]! },
    ...(verified ? [{ kind: "corrupt", where } as const] : []),
  ];
  return faults[Math.floor(random() * faults.length)]!;
}

async function attempt(
  hub: TestHub,
  folder: string,
  whole: boolean,
  random: () => number,
  timeoutMs: number,
): Promise<void> {
  const options = { retries: 3, timeoutMs, download: whole ? "whole" : "ranges" } as const;
  const collection = await open(hub, folder, options);
  for (const [path, content] of Object.entries(FILES)) {
    const source = await collection.open(path);
    // A fault may say that there is no such file.
    if (source === undefined) continue;
    expect(source.size).toBe(content.length);
    const begin = Math.floor(random() * content.length);
    const end = begin + Math.ceil(random() * (content.length - begin));
    const ranges = [
      [begin, end],
      [0, content.length],
    ] as const;
    await Promise.all(
      ranges.map(async ([begin, end]) => {
        const bytes = new Uint8Array(end - begin);
        await source.read(begin, bytes);
        expectBytes(bytes, content.subarray(begin, end));
      }),
    ).finally(() => source.close());
  }
}

describe(`${SCHEDULES} schedules`, () => {
  const outcomes = new Map<string, number>();

  for (let from = 0; from < SCHEDULES; from += 20) {
    it.concurrent(`seeds ${from} to ${from + 19}`, async () => {
      const commits = { [COMMIT]: FILES };
      const hub = await startHub({ repositories: { [NAME]: { branches: { main: COMMIT }, commits } } });
      for (let seed = from; seed < from + 20; seed++) {
        const random = generator(seed);
        const folder = temporaryFolder();
        const whole = seed % 2 === 0;
        const likelihood = 0.1 + 0.6 * random();
        for (let tries = 0; tries < 2; tries++) {
          hub.fault = () => (random() < likelihood ? randomFault(random, whole) : undefined);
          let outcome = "right";
          try {
            await attempt(hub, folder, whole, random, 100);
          } catch (error) {
            if (!(error instanceof HubError)) throw error;
            outcome = error.code;
          }
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
          expectSoundCache(folder, FILES);
        }
        hub.fault = () => undefined;
        await attempt(hub, folder, whole, random, 10_000);
        expectSoundCache(folder, FILES);
      }
      await hub.close();
    });
  }

  it("were worth it: some came out right, and many kinds of errors were met", () => {
    expect(outcomes.get("right")).toBeGreaterThan(SCHEDULES / 10);
    expect(outcomes.size).toBeGreaterThan(8);
  });
});
