/** Embeddings that stay on the device, through the facade, beside those that come back. */
import { wasm } from "@textower/backend-wasm";
import { createTextEncoder } from "textower";
import type { ClipTextEncoder } from "textower";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeToTensor, tfjs } from "../src/index.js";
import { activate, runtimes, tf } from "./runtimes.js";

const PROMPTS = [
  "a red circle",
  "two green triangles",
  "a red circle",
  "a",
  "a red star left of a blue ring",
];

describe.each(runtimes)("%s", (name) => {
  let encoder: ClipTextEncoder;
  beforeAll(async () => {
    await activate(name);
    // Runs of few rows, so that there are several.
    encoder = await createTextEncoder({ model: "shapes", backend: tfjs({ tf }), maxRows: 77 });
  });
  afterAll(() => encoder.dispose());

  test.each([true, false])("are those of encode, in the prompts' order: normalize %s", async (normalize) => {
    const prompts = Array.from({ length: 40 }, (_, i) => `${PROMPTS[i % 5]} ${Math.floor(i / 7)}`);
    const { data } = await encoder.encode(prompts, { normalize });
    const before = tf.memory().numTensors;
    const embeddings = await encodeToTensor(tf, encoder, prompts, { normalize });
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(embeddings.shape).toEqual([40, 128]);
    const values = await embeddings.data();
    values.forEach((value, i) => expect(value).toBeCloseTo(data[i]!, 5));
    embeddings.dispose();
  });

  test.each([true, false])("of texts in windows they are the same: normalize %s", async (normalize) => {
    const long = Array.from({ length: 190 }, (_, i) => ["red", "star", "two"][(i * i) % 3]).join(" ");
    const prompts = ["a ring", long, "dog ".repeat(150), long, long.slice(0, 500)];
    const options = { longText: "windows", windowOverlap: 3, normalize } as const;
    const { data, prompts: encoded } = await encoder.encode(prompts, options);
    expect(encoded.map(({ windows }) => windows)).toEqual([1, 3, 3, 3, 2]);
    const before = tf.memory().numTensors;
    const embeddings = await encodeToTensor(tf, encoder, prompts, options);
    expect(tf.memory().numTensors).toBe(before + 1);
    (await embeddings.data()).forEach((value, i) => expect(value).toBeCloseTo(data[i]!, 5));
    embeddings.dispose();
  });

  test("nothing stays behind after errors", async () => {
    const before = tf.memory().numTensors;
    await expect(encodeToTensor(tf, encoder, ["dog ".repeat(90)])).rejects.toMatchObject({
      name: "TextTooLongError",
    });
    await expect(encodeToTensor(tf, encoder, [])).rejects.toThrow("expected prompts, got none");
    await expect(encodeToTensor(tf, encoder, PROMPTS, { signal: AbortSignal.abort() })).rejects.toMatchObject(
      { name: "AbortError" },
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  test("an encoder on another backend, or with a prefix cache, is refused", async () => {
    await using other = await createTextEncoder({ model: "shapes", backend: wasm({ threads: 1 }) });
    await expect(encodeToTensor(tf, other, PROMPTS)).rejects.toThrow(
      "expected an encoder on the tfjs backend, got wasm",
    );
    await using caching = await createTextEncoder({
      model: "shapes",
      backend: tfjs({ tf }),
      prefixCache: 1e6,
    });
    await expect(encodeToTensor(tf, caching, PROMPTS)).rejects.toMatchObject({ name: "SetupError" });
  });
});
