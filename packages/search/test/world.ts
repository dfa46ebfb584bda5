/** Made-up entries, and what a search of them has to find: a plain loop in double precision over the vectors as given. */
import { expect } from "vitest";
import type { Entry, Hit, Metadata } from "../src/index.js";

export const DIMENSION = 24;
export const CHECKPOINT = "someone/clip-of-24";

/** mulberry32: the same numbers every time, 0 … 1. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A vector of some length, none of them 1. */
export function vectorOf(next: () => number, dimension = DIMENSION): Float32Array {
  const scale = 0.1 + 9 * next();
  return Float32Array.from({ length: dimension }, () => scale * (next() + next() + next() - 1.5));
}

const ALBUMS = ["pets", "trips", 'it\'s "odd"', "été ☀ 😀"];

/** Entries whose metadata has every kind of value, and sometimes not. */
export function entriesOf(count: number, seed = 1): Entry[] {
  const next = random(seed);
  return Array.from({ length: count }, (_, i) => ({
    id: `image ${i}`,
    vector: vectorOf(next),
    metadata: {
      album: ALBUMS[i % ALBUMS.length]!,
      year: 2000 + (i % 23),
      ...(i % 3 === 0 ? { rating: i / 8 } : {}),
      starred: i % 5 === 0,
      place: i % 7 === 0 ? null : `place ${i % 4}`,
      size: { width: i, height: 2 * i },
      // Neither equal to a number nor comparable with one.
      "odd key": i % 2 === 0 ? i : String(i),
    },
  }));
}

export function queriesOf(count: number, seed = 99): Float32Array[] {
  const next = random(seed);
  return Array.from({ length: count }, () => vectorOf(next));
}

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return dot / Math.sqrt(aa * bb);
}

/**
 * Holds hits against the plain loop: as many as there should be, nearest first, each with its own similarity and metadata, and
 * together the most similar ones. Neighbours that are equal within the tolerance may change places.
 * @returns the share of hits that are among the nearest
 */
export function expectNearest(
  hits: readonly Hit[],
  query: ArrayLike<number>,
  entries: readonly Entry[],
  topK: number,
  { recall = 1, tolerance = 1e-5 }: { readonly recall?: number; readonly tolerance?: number } = {},
): void {
  const plain = new Map(
    entries.map((entry) => [entry.id, { ...entry, similarity: cosine(entry.vector, query) }]),
  );
  const nearest = [...plain.values()].map(({ similarity }) => similarity).sort((a, b) => b - a);
  expect(hits.length).toBe(Math.min(topK, entries.length));
  expect(new Set(hits.map(({ id }) => id)).size).toBe(hits.length);
  hits.forEach(({ id, similarity, metadata }, i) => {
    const entry = plain.get(id);
    expect(entry, `${id} should not be found`).toBeDefined();
    expect(Math.abs(similarity - entry!.similarity)).toBeLessThan(tolerance);
    expect(metadata).toEqual((entry!.metadata ?? {}) as Metadata);
    if (i > 0) expect(similarity).toBeLessThanOrEqual(hits[i - 1]!.similarity + tolerance);
  });
  const least = nearest[hits.length - 1] ?? 0;
  const found = hits.filter(({ similarity }) => similarity >= least - tolerance).length;
  expect(found).toBeGreaterThanOrEqual(recall * hits.length);
}
