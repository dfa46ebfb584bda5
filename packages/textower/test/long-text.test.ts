/** Texts that are too long, by each policy: windows by hand, in encoders of every kind. */
import { wasm } from "@textower/backend-wasm";
import { difference } from "@textower/conformance";
import { createWorkerTextEncoder } from "textower/worker";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTextEncoder } from "../src/index.js";
import type { ClipTextEncoder, EncodeOptions, TextModel } from "../src/index.js";
import { cutIntoWindows } from "../src/long-text.js";

const [START, END] = [49406, 49407];
/** Colours and shapes in no order: 160 words of a token each. */
const words = Array.from(
  { length: 160 },
  (_, i) => ["red", "circle", "blue", "star", "ring"][(i * i) % 5]!,
).map((word, i) => (i % 7 === 3 ? "green" : word));
const long = words.join(" ");
/** Tokens less than 1e-5 apart count as equal: windows are encoded beside other prompts here and there. */
const TOLERANCE = 1e-5;

let encoder: ClipTextEncoder;
beforeAll(async () => {
  encoder = await createTextEncoder({ model: "shapes", backend: wasm({ threads: 1 }) });
});
afterAll(() => encoder.dispose());

/** Vectors of windows of these words. */
async function windowsOf(bounds: readonly (readonly [number, number])[], normalize: boolean) {
  const inner = encoder.tokenizer.encode(long, { contextLength: Infinity }).ids.slice(1, -1);
  expect(inner).toHaveLength(words.length);
  const prompts = bounds.map(([begin, end]) => ({ ids: [START, ...inner.slice(begin, end), END] }));
  return (await encoder.encode(prompts, { normalize })).embeddings;
}

function mean(vectors: readonly Float32Array[]): number[] {
  return [...vectors[0]!].map((_, i) => vectors.reduce((sum, v) => sum + v[i]!, 0) / vectors.length);
}

function unit(vector: readonly number[]): number[] {
  return vector.map((value) => value / Math.hypot(...vector));
}

describe("windows", () => {
  test("are as few as fit and of equal length; the vector is the mean of theirs, at length 1", async () => {
    const prompts = ["a ring", long, "", long.slice(0, 100)];
    const encoded = await encoder.encode(prompts, { longText: "windows" });
    expect(encoded.prompts.map(({ windows }) => windows)).toEqual([1, 3, 1, 1]);
    expect(encoded.prompts[1]).toMatchObject({ tokens: 160 + 3 * 2, cut: 0 });
    const windows = await windowsOf(
      [
        [0, 53],
        [53, 106],
        [106, 160],
      ],
      true,
    );
    expect(difference(encoded.embeddings[1]!, unit(mean(windows)), 128).maxAbs).toBeLessThan(TOLERANCE);
    const short = await encoder.encode([prompts[0]!, prompts[2]!, prompts[3]!]);
    expect(encoded.embeddings[0]).toEqual(short.embeddings[0]);
    expect(encoded.embeddings[2]).toEqual(short.embeddings[1]);
    expect(encoded.data.buffer).toBe(encoded.embeddings[3]!.buffer);
  });

  test("without normalising: the plain mean of what the model gives", async () => {
    const { data } = await encoder.encode(long, { longText: "windows", normalize: false });
    const windows = await windowsOf(
      [
        [0, 53],
        [53, 106],
        [106, 160],
      ],
      false,
    );
    expect(difference(data, mean(windows), 128).relative).toBeLessThan(TOLERANCE);
  });

  test("may overlap", async () => {
    const options = { longText: "windows", windowOverlap: 20 } as const;
    const encoded = await encoder.encode(long, options);
    expect(encoded.prompts[0]).toMatchObject({ windows: 3, tokens: 160 + 2 * 20 + 3 * 2 });
    const windows = await windowsOf(
      [
        [0, 66],
        [46, 113],
        [93, 160],
      ],
      true,
    );
    expect(difference(encoded.data, unit(mean(windows)), 128).maxAbs).toBeLessThan(TOLERANCE);
  });

  test("of every length and overlap leave no token out", () => {
    for (let length = 9; length < 60; length++) {
      const inner = Array.from({ length }, (_, i) => i);
      for (let overlap = 0; overlap < 7; overlap++) {
        const windows = cutIntoWindows(Int32Array.of(START, ...inner, END), 10, overlap);
        const bodies = windows.map((window) => {
          expect([window[0], window.at(-1)]).toEqual([START, END]);
          expect(window.length).toBeLessThanOrEqual(10);
          return [...window.subarray(1, -1)];
        });
        expect(bodies.flatMap((body, i) => body.slice(i === 0 ? 0 : overlap))).toEqual(inner);
        bodies.slice(1).forEach((body, i) => {
          expect(body.slice(0, overlap)).toEqual(overlap === 0 ? [] : bodies[i]!.slice(-overlap));
        });
        const sizes = bodies.map((body) => body.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        // One window less could not hold them.
        expect(8 + (windows.length - 2) * (8 - overlap)).toBeLessThan(length);
      }
    }
  });

  test("progress counts prompts, not windows", async () => {
    const seen: number[] = [];
    const prompts = Array.from({ length: 6 }, (_, i) => `${words.slice(i).join(" ")} ${i}`);
    await encoder.encode([...prompts, prompts[2]!], {
      longText: "windows",
      onProgress: ({ done, total }) => {
        expect(total).toBe(7);
        seen.push(done);
      },
    });
    expect(seen.at(-1)).toBe(7);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  test("hidden states of windows stand one after another", async () => {
    await using states = await createTextEncoder({
      model: "shapes",
      backend: wasm({ threads: 1 }),
      outputs: ["last", "embedding"],
    });
    const { prompts } = await states.encode(["a ring", long], { longText: "windows" });
    const width = states.info.descriptor.width;
    for (const { hidden, tokens } of prompts) expect(hidden["last"]).toHaveLength(tokens * width);
    const inner = encoder.tokenizer.encode(long, { contextLength: Infinity }).ids.slice(1, -1);
    const second = await states.encode({ ids: [START, ...inner.slice(53, 106), END] });
    const rows = prompts[1]!.hidden["last"]!.subarray(55 * width, 110 * width);
    expect(difference(rows, second.prompts[0]!.hidden["last"]!, width).maxAbs).toBeLessThan(1e-4);
  });

  test("in streams and workers", async () => {
    const { data } = await encoder.encode(long, { longText: "windows", windowOverlap: 5 });
    const options = { longText: "windows", windowOverlap: 5 } as const;
    for await (const { embedding, windows } of encoder.encodeStream([long], options)) {
      expect(windows).toBe(3);
      expect(embedding).toEqual(data);
    }
    await using worker = await createWorkerTextEncoder({ model: "shapes" });
    const there = await worker.encode(["a ring", long], options);
    expect(there.prompts.map(({ windows, tokens }) => [windows, tokens])).toEqual([
      [1, 4],
      [3, 176],
    ]);
    expect(difference(there.embeddings[1]!, [...data], 128).maxAbs).toBeLessThan(TOLERANCE);
  });

  test("of whole text models", async () => {
    const model: TextModel = {
      name: "first ids",
      contextLength: 10,
      embedDim: 2,
      info: { backend: "test", device: "none", precision: "float32", threads: 1, memoryBytes: 0, notes: [] },
      encode: (prompts) =>
        Promise.resolve(Float32Array.from(prompts.flatMap((ids) => [ids[1]!, ids.length]))),
      dispose: () => Promise.resolve(),
    };
    await using whole = await createTextEncoder({ model });
    const text = words.slice(0, 20).join(" ");
    const inner = encoder.tokenizer.encode(text, { contextLength: Infinity }).ids.slice(1, -1);
    const { data, prompts } = await whole.encode(text, { longText: "windows", normalize: false });
    expect(prompts[0]).toMatchObject({ windows: 3, tokens: 26 });
    expect(data[0]).toBeCloseTo((inner[0]! + inner[6]! + inner[13]!) / 3, 2);
    expect(data[1]).toBeCloseTo((8 + 9 + 9) / 3, 5);
  });
});

test("windows that cancel out are an error, and so is what no window can hold", async () => {
  const model: TextModel = {
    name: "opposites",
    contextLength: 4,
    embedDim: 1,
    info: { backend: "test", device: "none", precision: "float32", threads: 1, memoryBytes: 0, notes: [] },
    encode: (prompts) =>
      Promise.resolve(Float32Array.from(prompts, (ids) => (ids[1] === prompts[0]![1] ? 1 : -1))),
    dispose: () => Promise.resolve(),
  };
  await using opposites = await createTextEncoder({ model });
  await expect(opposites.encode("red red blue blue", { longText: "windows" })).rejects.toMatchObject({
    name: "NumericalError",
  });
});

test.each([
  [{ longText: "shorten" as never }, 'expected longText "error", "truncate" or "windows", got "shorten"'],
  [{ longText: "windows", windowOverlap: 75 }, "expected a windowOverlap of 0 to 74"],
  [{ longText: "windows", windowOverlap: 1.5 }, "expected a windowOverlap of 0 to 74"],
  [{ longText: "truncate", windowOverlap: 5 }, "expected a windowOverlap of 0 to 0"],
] satisfies [EncodeOptions, string][])(
  "%o is refused, also where every text fits",
  async (options, message) => {
    await expect(encoder.encode("a ring", options)).rejects.toThrow(message);
  },
);

test("tokens are never cut: the caller made them", async () => {
  const ids = [START, ...words.map(() => 736), END];
  for (const longText of ["error", "truncate", "windows"] as const) {
    await expect(encoder.encode({ ids }, { longText })).rejects.toThrow("expected 1 to 77 tokens");
  }
});
