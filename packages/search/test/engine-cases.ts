/** The cases that every engine runs, on the real thing. Expected hits come from the plain loop of `world.ts`. */
import { afterAll, describe, expect, test } from "vitest";
import { openEmbeddingIndex } from "../src/index.js";
import type { EmbeddingIndex, Entry, Filter, SearchEngine } from "../src/index.js";
import { CHECKPOINT, DIMENSION, entriesOf, expectNearest, queriesOf, random, vectorOf } from "./world.js";

/** An engine under test. */
export interface EngineUnderTest {
  /** An engine with nothing stored. */
  readonly fresh: () => SearchEngine;
  /** The same place again, after what `fresh` opened there was closed; absent where nothing is kept. */
  readonly again?: () => SearchEngine;
  /** Share of the nearest that has to be found. Default 1. */
  readonly recall?: number;
  /** Greatest error of a similarity. Default 1e-5. */
  readonly tolerance?: number;
  /** Whether entries can be listed. Default true. */
  readonly lists?: boolean;
}

/** Filters with what they mean. */
const FILTERS: readonly { filter: Filter; means: (metadata: Record<string, unknown>) => boolean }[] = [
  { filter: {}, means: () => true },
  { filter: { album: "pets" }, means: ({ album }) => album === "pets" },
  { filter: { album: 'it\'s "odd"' }, means: ({ album }) => album === 'it\'s "odd"' },
  {
    filter: { album: { in: ["été ☀ 😀", "trips"] } },
    means: ({ album }) => album === "été ☀ 😀" || album === "trips",
  },
  { filter: { starred: true, year: 2005 }, means: ({ starred, year }) => starred === true && year === 2005 },
  {
    filter: { year: { gte: 2010, lt: 2014 } },
    means: ({ year }) => Number(year) >= 2010 && Number(year) < 2014,
  },
  { filter: { rating: { gt: 3.5 } }, means: ({ rating }) => typeof rating === "number" && rating > 3.5 },
  { filter: { rating: { lte: 3.75 } }, means: ({ rating }) => typeof rating === "number" && rating <= 3.75 },
  { filter: { rating: { in: [0.375, 7.5] } }, means: ({ rating }) => rating === 0.375 || rating === 7.5 },
  { filter: { place: null }, means: ({ place }) => place === null },
  { filter: { "odd key": 6 }, means: (metadata) => metadata["odd key"] === 6 },
  { filter: { "odd key": "7" }, means: (metadata) => metadata["odd key"] === "7" },
  {
    filter: { "odd key": { gt: 100 } },
    means: (metadata) => typeof metadata["odd key"] === "number" && metadata["odd key"] > 100,
  },
  { filter: { starred: "true" }, means: () => false },
  { filter: { nothing: null }, means: () => false },
  { filter: { album: { in: [] } }, means: () => false },
  { filter: { "x' OR 1=1 --": "x' OR 1=1 --" }, means: () => false },
  { filter: { album: "x') OR TRUE --" }, means: () => false },
];

/** Ids and metadata that something on the way may take amiss. */
const ODD_TEXTS = [
  "it's",
  'double "quotes"',
  "back\\slash \\' \\\\",
  "$1 ${x} %s ?",
  "'; DROP TABLE images; --",
  "line\nbreak\ttab\r",
  "\u0001 \u007f \u0085 \u2028 \ufeff",
  "été e\u0301té",
  "日本語 😀 👩‍👩‍👧",
  '{}[]:,"null"',
  "__proto__",
  "constructor",
  " ",
  "a".repeat(5000),
];

export function engineCases(name: string, engine: EngineUnderTest): void {
  const open: EmbeddingIndex[] = [];
  const begin = async (under = engine.fresh()): Promise<EmbeddingIndex> => {
    const index = await openEmbeddingIndex({ dimension: DIMENSION, checkpoint: CHECKPOINT, engine: under });
    open.push(index);
    return index;
  };
  const holds = async (index: EmbeddingIndex, entries: readonly Entry[], topK = 7): Promise<void> => {
    expect(await index.count()).toBe(entries.length);
    const queries = queriesOf(3);
    const hits = await index.search(queries, { topK });
    hits.forEach((some, i) => expectNearest(some, queries[i]!, entries, topK, engine));
  };
  afterAll(async () => {
    for (const index of open) await index.close();
  });

  describe(name, () => {
    test("an empty index finds nothing, whatever is asked", async () => {
      const index = await begin();
      expect(await index.count()).toBe(0);
      expect(await index.search(queriesOf(2))).toEqual([[], []]);
      expect(await index.search(queriesOf(1), { filter: { a: 1 } })).toEqual([[]]);
      expect(await index.search([])).toEqual([]);
      expect(await index.remove(["a", "b"])).toBe(0);
      expect(await index.remove([])).toBe(0);
      await index.add([]);
      await index.flush();
      expect(await index.count()).toBe(0);
    });

    test("ragged batches of entries, ragged batches of queries", async () => {
      const index = await begin();
      const entries = entriesOf(307);
      for (let first = 0, size = 1; first < entries.length; first += size, size = (size * 3) % 101) {
        await index.add(entries.slice(first, first + size));
      }
      expect(await index.count()).toBe(307);
      for (const count of [1, 2, 33, 71]) {
        const queries = queriesOf(count, count);
        const hits = await index.search(queries, { topK: 1 + (count % 12) });
        expect(hits.length).toBe(count);
        hits.forEach((some, i) => expectNearest(some, queries[i]!, entries, 1 + (count % 12), engine));
      }
    });

    test("topK beyond the index gives all of it; the default is 10", async () => {
      const index = await begin();
      const entries = entriesOf(60);
      await index.add(entries);
      const [query] = queriesOf(1);
      for (const topK of [59, 60, 61, 5000]) {
        const [hits] = await index.search([query!], { topK });
        expectNearest(hits!, query!, entries, topK, engine);
      }
      expect((await index.search([query!]))[0]!.length).toBe(10);
    });

    test.each(FILTERS)("filter $filter", async ({ filter, means }) => {
      const index = await begin();
      const entries = entriesOf(173);
      await index.add(entries);
      const passing = entries.filter(({ metadata }) => means(metadata!));
      const queries = queriesOf(2);
      for (const topK of [1, 5, 400]) {
        const hits = await index.search(queries, { topK, filter });
        hits.forEach((some, i) => expectNearest(some, queries[i]!, passing, topK, engine));
      }
    });

    test("removed entries are gone, and can come back", async () => {
      const index = await begin();
      const entries = entriesOf(120);
      await index.add(entries);
      const gone = entries.filter((_, i) => i % 3 === 1);
      const left = entries.filter((_, i) => i % 3 !== 1);
      const ids = gone.map(({ id }) => id);
      expect(await index.remove([...ids, ids[0]!, "never there"])).toBe(gone.length);
      expect(await index.remove(ids)).toBe(0);
      await holds(index, left, 200);
      await index.add(gone);
      await holds(index, entries, 200);
      expect(await index.remove(entries.map(({ id }) => id))).toBe(120);
      await holds(index, []);
      await index.add(entries.slice(0, 9));
      await holds(index, entries.slice(0, 9));
    });

    test("an id that is known is replaced, vector and metadata", async () => {
      const index = await begin();
      const first = entriesOf(80);
      await index.add(first);
      const second = entriesOf(80, 2).map((entry, i) => ({ ...entry, metadata: { round: 2, i } }));
      await index.add(second.slice(0, 50));
      const both = [...second.slice(0, 50), ...first.slice(50)];
      await holds(index, both, 90);
      const [query] = queriesOf(1);
      const [hits] = await index.search([query!], { topK: 90, filter: { round: 2 } });
      expectNearest(hits!, query!, second.slice(0, 50), 90, engine);
      expect((await index.search([query!], { filter: { year: 2003 }, topK: 90 }))[0]!.length).toBe(
        first.slice(50).filter(({ metadata }) => metadata!.year === 2003).length,
      );
    });

    test("equal vectors under different ids are all found; scale makes no difference", async () => {
      const index = await begin();
      const vector = vectorOf(random(5));
      const entries = [1, 1e-6, 1e6, 3, 0.5].map((scale, i) => ({
        id: `same ${i}`,
        vector: Array.from(vector, (value) => value * scale),
      }));
      const others = entriesOf(40);
      await index.add([...others, ...entries]);
      const [hits] = await index.search([vector], { topK: 5 });
      expect(hits!.map(({ id }) => id).sort()).toEqual(entries.map(({ id }) => id));
      for (const { similarity } of hits!)
        expect(Math.abs(similarity - 1)).toBeLessThan(engine.tolerance ?? 1e-5);
      const [opposite] = await index.search([vector.map((value) => -value)], { topK: 45 });
      expectNearest(
        opposite!,
        vector.map((value) => -value),
        [...others, ...entries],
        45,
        engine,
      );
    });

    test("ids and metadata of odd characters come back as they were, and can be filtered by", async () => {
      const index = await begin();
      const next = random(11);
      const entries: Entry[] = ODD_TEXTS.map((text, i) => ({
        id: text,
        vector: vectorOf(next),
        metadata: {
          text,
          i,
          nested: { [text]: [text, null, { deep: true }] },
          ...Object.fromEntries([[text, text]]),
        },
      }));
      await index.add(entries);
      await holds(index, entries, 50);
      for (const [i, text] of ODD_TEXTS.entries()) {
        for (const filter of [
          { text },
          Object.fromEntries([[text, text]]),
          { text: { in: [text, "no"] }, i },
        ]) {
          const [hits] = await index.search([entries[i]!.vector], { topK: 50, filter });
          expect(hits!.map(({ id }) => id)).toEqual([text]);
        }
      }
      expect(await index.remove(ODD_TEXTS.slice(0, 6))).toBe(6);
      await holds(index, entries.slice(6), 50);
    });

    test("numbers in metadata come back as they were", async () => {
      const index = await begin();
      const numbers = [
        0,
        1e21,
        1e-7,
        0.1 + 0.2,
        2 ** 53 - 1,
        -(2 ** 53 - 1),
        5e-324,
        -1.7976931348623157e308,
        123456789.125,
      ];
      const next = random(21);
      const entries = numbers.map((number, i) => ({
        id: `${i}`,
        vector: vectorOf(next),
        metadata: { number },
      }));
      await index.add(entries);
      await holds(index, entries, 50);
      for (const number of numbers) {
        const found = async (filter: Filter): Promise<number[]> => {
          const [hits] = await index.search(queriesOf(1), { topK: 50, filter });
          return hits!.map(({ metadata }) => metadata["number"] as number).sort((a, b) => a - b);
        };
        const sorted = [...numbers].sort((a, b) => a - b);
        expect(await found({ number })).toEqual([number]);
        expect(await found({ number: { gt: number } })).toEqual(sorted.filter((each) => each > number));
        expect(await found({ number: { lte: number } })).toEqual(sorted.filter((each) => each <= number));
      }
    });

    test("metadata may be left out", async () => {
      const index = await begin();
      const entries = entriesOf(9).map(({ id, vector }) => ({ id, vector }));
      await index.add(entries);
      await holds(index, entries);
    });

    test("adding, replacing and removing by chance, step by step", async () => {
      const index = await begin();
      const next = random(77);
      const pool = [entriesOf(60, 3), entriesOf(60, 4)].map(
        (entries) => new Map(entries.map((each) => [each.id, each])),
      );
      const kept = new Map<string, Entry>();
      for (let step = 0; step < 40; step++) {
        const ids = [...pool[0]!.keys()].filter(() => next() < 0.25);
        if (next() < 0.55) {
          const entries = ids.map((id) => pool[step % 2]!.get(id)!);
          await index.add(entries);
          for (const entry of entries) kept.set(entry.id, entry);
        } else {
          expect(await index.remove(ids)).toBe(ids.filter((id) => kept.delete(id)).length);
        }
        if (step % 4 === 3) await holds(index, [...kept.values()], 1 + step);
      }
    });

    test("calls may overlap", async () => {
      const index = await begin();
      const entries = entriesOf(90);
      await index.add(entries.slice(0, 30));
      const queries = queriesOf(4);
      const [, , found] = await Promise.all([
        index.add(entries.slice(30, 60)),
        index.add(entries.slice(60)),
        index.search(queries, { topK: 3 }),
        index.count(),
      ]);
      for (const hits of found) expect(hits.length).toBe(3);
      await holds(index, entries);
    });

    test("close lets what runs end, and refuses what comes after", async () => {
      const index = await begin();
      const entries = entriesOf(20);
      const adding = index.add(entries);
      const closing = index.close();
      await adding;
      await closing;
      await index.close();
      const closed = { name: "SearchError", code: "closed" };
      await expect(index.search(queriesOf(1))).rejects.toMatchObject(closed);
      await expect(index.add(entries)).rejects.toMatchObject(closed);
      await expect(index.count()).rejects.toMatchObject(closed);
      await expect(index.flush()).rejects.toMatchObject(closed);
      await expect(index.remove(["a"])).rejects.toMatchObject(closed);
      await expect(index.addBatches([])).rejects.toMatchObject(closed);
      await expect(index.save().next()).rejects.toMatchObject(closed);
    });

    if (engine.lists === false) {
      test("saving is refused: it does not list its entries", async () => {
        const index = await begin();
        await expect(index.save().next()).rejects.toMatchObject({ name: "SearchError", code: "unsupported" });
      });
    } else {
      test("saves everything, and loads it", async () => {
        const index = await begin();
        const entries = entriesOf(1100); // more than a block
        await index.add(entries);
        const gone = entries.filter((_, i) => i % 10 === 0).map(({ id }) => id);
        await index.remove(gone);
        const left = entries.filter((_, i) => i % 10 !== 0);
        const pieces: Uint8Array[] = [];
        for await (const piece of index.save()) pieces.push(piece);
        const other = await begin();
        expect(await other.load(pieces)).toBe(left.length);
        await holds(other, left);
      });
    }

    if (engine.again !== undefined) {
      const again = engine.again;
      test("what was added is there when it is opened again", async () => {
        const index = await begin();
        const entries = entriesOf(150);
        await index.add(entries);
        await index.remove(entries.slice(100).map(({ id }) => id));
        await index.close();
        const reopened = await begin(again());
        await holds(reopened, entries.slice(0, 100), 120);
        await reopened.add(entries.slice(90, 130));
        await holds(reopened, entries.slice(0, 130), 140);
        await reopened.close();
        await holds(await begin(again()), entries.slice(0, 130), 140);
      });

      test("what was stored for something else is refused by name", async () => {
        const index = await begin();
        await index.add(entriesOf(5));
        await index.close();
        for (const [layout, code] of [
          [{ dimension: DIMENSION, checkpoint: "someone/else" }, "checkpoint"],
          [{ dimension: DIMENSION + 1, checkpoint: CHECKPOINT }, "width"],
        ] as const) {
          const opening = openEmbeddingIndex({ ...layout, engine: again() });
          await expect(opening).rejects.toMatchObject({ name: "SearchError", code });
        }
        await holds(await begin(again()), entriesOf(5));
      });
    }
  });
}
