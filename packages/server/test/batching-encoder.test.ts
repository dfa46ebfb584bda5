/** Batching across calls, on the shapes model: what is encoded together, in which order, and what fails alone. */
import { TextowerEmbeddings } from "@textower/langchain";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  BatchingEncoder,
  CallTooLargeError,
  PromptError,
  QueueClosedError,
  QueueFullError,
} from "../src/index.js";
import type { BatchReport, PromptEncoder } from "../src/index.js";
import { captions, difference, gated, shapesEncoder, texts, until } from "./shapes.js";

let encoder: Awaited<ReturnType<typeof shapesEncoder>>;
beforeAll(async () => {
  encoder = await shapesEncoder();
});
afterAll(() => encoder.dispose());

const keyOf = (text: string): string => encoder.tokenizer.encode(text).ids.join();

test("calls of one moment are one batch, and each gets its own vectors", async () => {
  const reports: BatchReport[] = [];
  const gate = gated(encoder);
  const queue = new BatchingEncoder(gate, { onBatch: (batch) => reports.push(batch) });
  const sizes = [1, 3, 0, 2, texts.length - 6]; // ragged, one of them empty
  let begin = 0;
  const calls = sizes.map((size) => {
    const some = captions.slice(begin, (begin += size));
    return { some, result: queue.encode(some.map(({ text }) => text)) };
  });
  await until(() => gate.batches.length > 0);
  expect(queue.depth).toEqual({ calls: 0, prompts: 0, tokens: 0, batches: 1 });
  gate.open();
  for (const { some, result } of calls) {
    const { embeddings, data, prompts } = await result;
    expect(embeddings).toHaveLength(some.length);
    expect(data).toHaveLength(some.length * 128);
    some.forEach(({ vector, ids }, i) => {
      expect(difference(embeddings[i]!, vector)).toBeLessThan(1e-5);
      expect(prompts[i]).toEqual({ tokens: ids.length, cut: 0 });
    });
  }
  expect(gate.batches).toEqual([captions.map(({ ids }) => ids.join())]);
  const alone = await encoder.encode(texts);
  const tokens = captions.reduce((sum, { ids }) => sum + ids.length, 0);
  expect(reports).toMatchObject([{ calls: 4, prompts: texts.length, tokens, rows: alone.rows }]);
  expect(alone.rows).toBeLessThan(tokens);
});

test("what comes while a batch is computed is the next batch", async () => {
  const gate = gated(encoder);
  const queue = new BatchingEncoder(gate, { maxBatches: 1 });
  const first = queue.encode(["a red circle"]);
  await until(() => gate.batches.length === 1);
  const later = [queue.encode(["a blue star"]), queue.encode(["a green ring", "two stars"])];
  expect(queue.depth).toMatchObject({ calls: 2, prompts: 3, batches: 1 });
  gate.open();
  await Promise.all([first, ...later]);
  expect(gate.batches.map((batch) => batch.length)).toEqual([1, 3]);
});

test("tokens are taken like the texts they are of", async () => {
  const queue = new BatchingEncoder(encoder);
  const { embeddings } = await queue.encode(
    captions.map(({ text, ids }, i) => (i % 2 === 0 ? { ids } : text)),
  );
  captions.forEach(({ vector }, i) => expect(difference(embeddings[i]!, vector)).toBeLessThan(1e-5));
});

test("a call of hundreds of prompts does not hold up small ones, and ends as well", async () => {
  const gate = gated(encoder);
  const queue = new BatchingEncoder(gate, { maxBatches: 1, maxBatchTokens: 64 });
  const many = Array.from({ length: 300 }, (_, i) => `${i} rings`);
  const order: string[] = [];
  const large = queue.encode(many).then((result) => {
    order.push("large");
    return result;
  });
  await until(() => gate.batches.length === 1);
  const small = texts.slice(0, 5).map((text) => queue.encode([text]).then(() => order.push("small")));
  gate.open();
  await Promise.all(small);
  expect(gate.batches.length).toBeLessThan(7); // of about 30
  const { embeddings } = await large;
  expect(order).toEqual(["small", "small", "small", "small", "small", "large"]);
  expect(gate.batches.flat()).toHaveLength(305);
  const expected = await encoder.encode([many[0]!, many[299]!]);
  expect(difference(embeddings[0]!, expected.embeddings[0]!)).toBeLessThan(1e-5);
  expect(difference(embeddings[299]!, expected.embeddings[1]!)).toBeLessThan(1e-5);
});

test("no batch has more tokens than it may, unless one prompt does", async () => {
  const gate = gated(encoder);
  gate.open();
  const queue = new BatchingEncoder(gate, { maxBatchTokens: 16 });
  await Promise.all([queue.encode(texts), queue.encode(["a very long caption of a red circle ".repeat(3)])]);
  for (const batch of gate.batches) {
    const tokens = batch.reduce((sum, ids) => sum + ids.split(",").length, 0);
    expect(batch.length === 1 || tokens <= 16).toBe(true);
  }
});

test("batches grow with the encoder's rate, unless their size is given; turns do not", async () => {
  const tokens = (prompts: readonly { readonly ids: ArrayLike<number> }[]): number =>
    prompts.reduce((sum, { ids }) => sum + ids.length, 0);
  for (const { rate, maxBatchTokens, most } of [
    { rate: 1000, most: 2048 },
    { rate: 16_000, most: 4000 },
    { rate: 1e9, most: 8192 },
    { rate: 1e9, maxBatchTokens: 2048, most: 2048 },
  ]) {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const { info, tokenizer } = encoder;
    const sizes: number[] = [];
    const encode: PromptEncoder["encode"] = async (prompts) => {
      await new Promise((resolve) => setImmediate(resolve));
      const size = tokens(prompts);
      now += (size / rate) * 1000;
      sizes.push(size);
      return { data: new Float32Array(prompts.length * info.embedDim), rows: size };
    };
    const calls: number[] = [];
    const queue = new BatchingEncoder(
      { info, tokenizer, encode },
      {
        maxBatches: 1,
        onBatch: (batch) => calls.push(batch.calls),
        ...(maxBatchTokens !== undefined && { maxBatchTokens }),
      },
    );
    const prompts = Array.from({ length: 800 }, (_, i) => `${i} rings`); // of 5 to 7 tokens
    await Promise.all(Array.from({ length: 4 }, () => queue.encode(prompts)));
    vi.restoreAllMocks();
    expect(Math.max(...sizes)).toBeLessThanOrEqual(most);
    expect(Math.max(...sizes)).toBeGreaterThan(most - 10);
    expect(calls.slice(0, -2).every((count) => count === 4)).toBe(true);
  }
});

test("an aborted call leaves the queue; others stay", async () => {
  const gate = gated(encoder);
  const queue = new BatchingEncoder(gate, { maxBatches: 1 });
  const running = queue.encode(["a red circle"]);
  await until(() => gate.batches.length === 1);
  const controller = new AbortController();
  const dropped = queue.encode(["a blue star", "two stars"], { signal: controller.signal });
  const kept = queue.encode(["a green ring"]);
  expect(queue.depth).toMatchObject({ calls: 2, prompts: 3 });
  controller.abort(new Error("gone"));
  await expect(dropped).rejects.toThrow("gone");
  expect(queue.depth).toMatchObject({ calls: 1, prompts: 1, tokens: 5 });
  gate.open();
  await Promise.all([running, kept]);
  expect(gate.batches).toEqual([[keyOf("a red circle")], [keyOf("a green ring")]]);
  await expect(queue.encode(["a"], { signal: controller.signal })).rejects.toThrow("gone");
});

test("a batch stops when nobody waits for any of it, not before", async () => {
  const gate = gated(encoder);
  const queue = new BatchingEncoder(gate);
  const controllers = [new AbortController(), new AbortController()];
  const calls = controllers.map(({ signal }, i) => queue.encode([`${i} stars`], { signal }));
  const settled = Promise.allSettled(calls);
  await until(() => gate.batches.length === 1);
  controllers[0]!.abort();
  expect(gate.signals[0]!.aborted).toBe(false);
  controllers[1]!.abort();
  expect(gate.signals[0]!.aborted).toBe(true);
  gate.open();
  expect((await settled).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await queue.encode(["a red circle"]); // and it goes on
});

test("a call that cannot be encoded fails alone", async () => {
  const gate = gated(encoder);
  const queue = new BatchingEncoder(gate);
  gate.failsAt = keyOf("a blue star");
  const calls = [["a red circle"], ["two stars", "a blue star"], ["a green ring"]];
  const results = calls.map((prompts) => queue.encode(prompts));
  const settled = Promise.allSettled(results);
  gate.open();
  expect((await settled).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  await expect(results[1]).rejects.toThrow("cannot be encoded");
  expect(gate.batches.map((batch) => batch.length)).toEqual([4, 1, 2, 1]);
});

test("an encoder that answers with the wrong number of vectors is not believed", async () => {
  const broken = {
    ...gated(encoder),
    encode: () => Promise.resolve({ data: new Float32Array(64), rows: 1 }),
  };
  await expect(new BatchingEncoder(broken).encode(["a"])).rejects.toThrow("expected 1 vectors of 128");
});

test("a full queue says when to come again; what can never fit is told so", async () => {
  const gate = gated(encoder);
  const queue = new BatchingEncoder(gate, { maxBatches: 1, maxQueuedPrompts: 4, maxQueuedTokens: 40 });
  const running = queue.encode(["a red circle"]);
  await until(() => gate.batches.length === 1);
  const waiting = [queue.encode(["a", "b"]), queue.encode(["c"])];
  await expect(queue.encode(["d", "e"])).rejects.toMatchObject({
    name: "QueueFullError",
    message: "encode: expected room for 2 prompts in the queue, got 1 of 4",
    retryAfterSeconds: 1,
  });
  await expect(queue.encode([`${"dog ".repeat(34)}`])).rejects.toThrow(QueueFullError);
  await expect(queue.encode(["a", "b", "c", "d", "e"])).rejects.toThrow(CallTooLargeError);
  await expect(queue.encode([`${"dog ".repeat(60)}`])).rejects.toThrow(
    "encode: expected at most 40 tokens in a call, got 62",
  );
  gate.open();
  await Promise.all([running, ...waiting]);
  await queue.encode(["d", "e"]); // there is room again
});

test("close finishes what waits and takes no more", async () => {
  const gate = gated(encoder);
  const queue = new BatchingEncoder(gate, { maxBatches: 1 });
  const calls = texts.slice(0, 3).map((text) => queue.encode([text]));
  const closed = queue.close();
  await expect(queue.encode(["a"])).rejects.toThrow(QueueClosedError);
  gate.open();
  await closed;
  expect(await Promise.all(calls)).toHaveLength(3);
  await queue.close();
});

test("close gives up at its signal", async () => {
  const gate = gated(encoder);
  const queue = new BatchingEncoder(gate);
  const call = queue.encode(["a red circle"]);
  const settled = Promise.allSettled([call]);
  const controller = new AbortController();
  const closed = queue.close({ signal: controller.signal });
  controller.abort();
  await closed;
  await settled;
  await expect(call).rejects.toThrow(QueueClosedError);
  gate.open();
});

test("prompts that cannot be encoded are known before anything is queued", async () => {
  const queue = new BatchingEncoder(encoder);
  const cases: [prompt: string | { ids: number[] }, message: string][] = [
    ["dog ".repeat(90), "prompt 1: expected at most 77 tokens, start and end of text included, got 92"],
    ["x".repeat(16_385), "prompt 1: expected at most 16384 characters, got 16385"],
    ["half \ud83d of a pair", "prompt 1: expected text, got half of a surrogate pair"],
    [{ ids: [] }, "prompt 1: expected 2 to 77 tokens, start and end of text included, got 0"],
    [{ ids: Array.from({ length: 78 }, () => 320) }, "got 78"],
    [{ ids: [49406, 1.5, 49407] }, "prompt 1: expected token ids below 49408, got 1.5 at 1"],
    [{ ids: [49406, 49408, 49407] }, "got 49408 at 1"],
    [{ ids: [49406, -1, 49407] }, "got -1 at 1"],
    [{ ids: [49406, NaN, 49407] }, "got NaN at 1"],
    [{ ids: [320, 736] }, "expected tokens from start of text (49406) to end of text (49407), got 320 … 736"],
  ];
  for (const [prompt, message] of cases) {
    const call = queue.encode(["a red circle", prompt]);
    await expect(call).rejects.toThrow(PromptError);
    await expect(call).rejects.toThrow(message);
    await expect(call).rejects.toMatchObject({ index: 1 });
  }
  expect(queue.depth).toEqual({ calls: 0, prompts: 0, tokens: 0, batches: 0 });
  const { prompts } = await queue.encode(["dog ".repeat(90)], { longText: "truncate" });
  expect(prompts).toEqual([{ tokens: 77, cut: 15 }]);
});

test("a thousand long texts leave others their turns while they are tokenised, and may be aborted", async () => {
  const gate = gated(encoder);
  gate.open();
  const queue = new BatchingEncoder(gate);
  const long = Array.from({ length: 1000 }, (_, i) => `${i} ${"circle ".repeat(60)}`);
  let turns = 0;
  const turn = (): void => {
    turns++;
    if (turns === 3) controller.abort(new Error("gone"));
    else setImmediate(turn);
  };
  const controller = new AbortController();
  const call = queue.encode(long, { signal: controller.signal });
  setImmediate(turn);
  await expect(call).rejects.toThrow("gone");
  expect(turns).toBe(3);
  expect(gate.batches).toEqual([]);
  const open = queue.encode(long);
  const settled = Promise.allSettled([open]);
  await queue.close();
  await settled;
  await expect(open).rejects.toThrow(QueueClosedError);
});

test("options that cannot be meant", () => {
  for (const maxBatchTokens of [0, 1.5, NaN, -1]) {
    expect(() => new BatchingEncoder(encoder, { maxBatchTokens })).toThrow(
      `BatchingEncoder: expected maxBatchTokens to be a whole number from 1, got ${maxBatchTokens}`,
    );
  }
  const { info, encode } = encoder;
  expect(() => new BatchingEncoder({ info, encode })).toThrow("expected a tokenizer");
});

test("goes where an encoder goes: LangChain's calls are batched", async () => {
  const gate = gated(encoder);
  gate.open();
  const embeddings = new TextowerEmbeddings({ encoder: new BatchingEncoder(gate) });
  const vectors = await Promise.all(texts.map((text) => embeddings.embedQuery(text)));
  vectors.forEach((vector, i) => expect(difference(vector, captions[i]!.vector)).toBeLessThan(1e-5));
  expect(gate.batches).toHaveLength(1);
});
