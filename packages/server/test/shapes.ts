/** The shapes model for tests: an encoder, what its framework computed, and a gate before the encoder. */
import { readFileSync } from "node:fs";
import { wasm } from "@textower/backend-wasm";
import { createTextEncoder } from "textower";
import type { PromptEncoder } from "../src/index.js";

/** What the model's training framework computed; not normalised. */
const golden = JSON.parse(
  readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8"),
) as { captions: { text: string; ids: number[]; embedding: number[] }[] };

/** Ragged captions with their tokens and vectors of length 1. */
export const captions = golden.captions.map(({ text, ids, embedding }) => {
  const length = Math.hypot(...embedding);
  return { text, ids, vector: embedding.map((value) => value / length) };
});
export const texts = captions.map(({ text }) => text);

/** On this thread, and on no other. */
export function shapesEncoder(): Promise<Awaited<ReturnType<typeof createTextEncoder>>> {
  return createTextEncoder({ model: "shapes", backend: wasm({ threads: 1 }) });
}

/** Largest difference of two vectors' elements. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} numbers for ${expected.length}`);
  return Math.max(...Array.from(actual, (value, i) => Math.abs(value - expected[i]!)));
}

/** An encoder whose batches are noted, and wait until they are let through. */
export interface GatedEncoder extends PromptEncoder {
  /** Prompts of each batch, as texts of ids. */
  readonly batches: string[][];
  /** Signals of each batch. */
  readonly signals: AbortSignal[];
  /** Lets the batches through that wait, and all to come. */
  open(): void;
  /** Batches fail that have these tokens. */
  failsAt: string | undefined;
}

export function gated(encoder: PromptEncoder): GatedEncoder {
  const batches: string[][] = [];
  const signals: AbortSignal[] = [];
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  return {
    info: encoder.info,
    tokenizer: encoder.tokenizer!,
    batches,
    signals,
    failsAt: undefined,
    open,
    async encode(prompts, options) {
      const keys = prompts.map(({ ids }) => ids.join());
      batches.push(keys);
      signals.push(options.signal);
      await gate;
      if (this.failsAt !== undefined && keys.includes(this.failsAt)) throw new Error("cannot be encoded");
      return encoder.encode(prompts, options);
    },
  };
}

/** Waits for something that will be so in a moment. */
export async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("it never was so");
}
