/** Damaged copies of real checkpoints: a named error, or exactly the right weights. Nothing in between. */
import { describe, expect, it } from "vitest";
import { CheckpointError, openCheckpoint, SafetensorsError } from "../src/index.js";
import { countingSource, expectMicro, golden } from "./golden.js";

const options = { activation: "quick_gelu" } as const;

/** Random but the same each time: mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @returns the error's name and code, or "opened" if every tensor is right and all are there */
async function attempt(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const source = countingSource(bytes);
  try {
    await expectMicro(await openCheckpoint(source, options));
    return "opened";
  } catch (error) {
    if (error instanceof SafetensorsError || error instanceof CheckpointError)
      return `${error.name} ${error.code}`;
    throw error;
  } finally {
    expect(source.largest()).toBeLessThanOrEqual(bytes.length);
  }
}

describe.each(["micro.openai", "micro.hf"] as const)("%s", (name) => {
  const sound = golden(name);
  const headerEnd = 8 + Number(new DataView(sound.buffer).getBigUint64(0, true));

  it("cut at every 100th byte is refused", async () => {
    for (let length = 0; length < sound.length; length += 100) {
      const outcome = await attempt(sound.subarray(0, length));
      expect([length, outcome]).toEqual([
        length,
        length < 8
          ? "SafetensorsError too-short"
          : length < headerEnd
            ? "SafetensorsError header-beyond-file"
            : "SafetensorsError truncated",
      ]);
    }
    expect(await attempt(sound.subarray(0, -1))).toBe("SafetensorsError truncated");
    expect(await attempt(new Uint8Array([...sound, 0]))).toBe("SafetensorsError trailing-bytes");
  });

  it.each([
    ["any byte", (next: () => number, old: number) => old ^ (1 + Math.floor(next() * 255))],
    ["one bit", (next: () => number, old: number) => old ^ (1 << Math.floor(next() * 8))],
    ["a character", (next: () => number) => 0x20 + Math.floor(next() * 95)],
    ["a digit", (next: () => number) => 0x30 + Math.floor(next() * 10)],
  ])("with %s of the header exchanged, 200 times, is refused or right", async (_, exchange) => {
    const next = random(2026);
    const outcomes = new Map<string, number>();
    for (let i = 0; i < 200; i++) {
      const bytes = sound.slice();
      const at = Math.floor(next() * headerEnd);
      bytes[at] = exchange(next, bytes[at]!);
      const outcome = await attempt(bytes);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect([...outcomes.values()].reduce((a, b) => a + b)).toBe(200);
    expect(outcomes.size).toBeGreaterThan(2);
  });
});
