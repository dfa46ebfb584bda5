/** Encoders in workers of Node: the same vectors as on the spot, the same errors, nothing left waiting. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { reference } from "@textower/backend-reference";
import { difference, GOLDEN_TOLERANCE } from "@textower/conformance";
import { DisposedError, RegistryError } from "@textower/graph";
import { TextTooLongError } from "@textower/tokenizer";
import { CheckpointError } from "@textower/weights";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTextEncoder } from "../src/index.js";
// As built: workers are started from files.
import { createWorkerTextEncoder, SupersededError, WorkerLostError } from "textower/worker";
import type { WorkerTextEncoder } from "textower/worker";

const golden = JSON.parse(
  readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8"),
) as { captions: { text: string; embedding: number[] }[] };
const texts = golden.captions.map(({ text }) => text);

/** A worker that serves the reference backend. */
const userWorker = (): Worker => new Worker(new URL("workers/reference.mjs", import.meta.url));

/** More work than is done before the messages that follow are read. */
const many = Array.from({ length: 600 }, (_, i) => `${i} rings, ${i * 7} hearts and ${i * 13} stars`);

describe("the worker that comes with the package", () => {
  let encoder: WorkerTextEncoder;
  const loaded: number[] = [];
  beforeAll(async () => {
    const onProgress = (progress: { loaded: number }): void => void loaded.push(progress.loaded);
    encoder = await createWorkerTextEncoder({ model: "shapes", prefixCache: 2 ** 20, onProgress });
  });
  afterAll(() => encoder.dispose());

  test("says what it runs on, how far loading was, and warms up", async () => {
    expect(encoder.info).toMatchObject({ backend: "wasm", precision: "float32", embedDim: 128 });
    expect(encoder.info.notes.filter((note) => /did not start|no workers/.test(note))).toEqual([]);
    expect(encoder.logitScale).toBeGreaterThan(0);
    await encoder.warmup();
    expect(loaded.length).toBeGreaterThan(10);
    expect(loaded).toEqual(loaded.toSorted((a, b) => a - b));
  });

  test("gives the vectors that the model's training framework gives", async () => {
    const progress: number[] = [];
    const { data, embeddings, prompts } = await encoder.encode(texts, {
      normalize: false,
      onProgress: ({ done }) => progress.push(done),
    });
    const expected = golden.captions.map(({ embedding }) => embedding);
    expect(difference(data, expected.flat(), 128).maxAbs).toBeLessThanOrEqual(GOLDEN_TOLERANCE);
    expect(embeddings.map(({ length }) => length)).toEqual(texts.map(() => 128));
    expect(embeddings[1]!.buffer).toBe(data.buffer);
    expect(prompts[1]!.embedding).toEqual(embeddings[1]);
    expect(progress.at(-1)).toBe(texts.length);
  });

  test("one prompt, tokens, none, and a stream", async () => {
    const { ids } = (await createTextEncoder({ model: "shapes" })).tokenizer.encode("a red circle");
    const one = await encoder.encode("a red circle");
    const asTokens = await encoder.encode({ ids });
    expect(one.prompts[0]).toMatchObject({ tokens: 5, cut: 0 });
    expect(difference(asTokens.data, one.data, 128).relative).toBeLessThanOrEqual(2e-5);
    expect((await encoder.encode([])).embeddings).toEqual([]);
    const streamed: Float32Array[] = [];
    for await (const { embedding } of encoder.encodeStream(many)) streamed.push(embedding);
    const { data } = await encoder.encode(many);
    expect(
      difference(
        streamed.flatMap((vector) => [...vector]),
        data,
        128,
      ).relative,
    ).toBeLessThanOrEqual(2e-5);
  });

  test("the prefix cache is told of, and forgets", async () => {
    await encoder.encode("a red circle");
    expect((await encoder.encode("a red circle and a star")).rows).toBeLessThan(5);
    expect(encoder.prefixCache!.reused).toBeGreaterThan(0);
    await encoder.clearPrefixCache();
    expect(encoder.prefixCache).toMatchObject({ rows: 0 });
  });

  test("errors keep their class, message and fields", async () => {
    const tooLong = encoder.encode(["fine", "dog ".repeat(90)]);
    await expect(tooLong).rejects.toBeInstanceOf(TextTooLongError);
    await expect(tooLong).rejects.toMatchObject({ name: "TextTooLongError", index: 1, excess: 15 });
    await expect(tooLong).rejects.toThrow("expected at most 77 tokens, got 92");
    await expect(encoder.encode([7 as never])).rejects.toBeInstanceOf(TypeError);
    await expect(encoder.encode([(() => 0) as never])).rejects.toThrow(
      "expected what can be sent to a worker",
    );
    const { prompts } = await encoder.encode(["dog ".repeat(90)], { longText: "truncate" });
    expect(prompts[0]).toMatchObject({ tokens: 77, cut: 15 });
  });

  test("an aborted call rejects at once with the signal's reason, and the encoder goes on", async () => {
    const controller = new AbortController();
    const [aborted, next] = [encoder.encode(many, { signal: controller.signal }), encoder.encode("star")];
    controller.abort(new Error("no longer wanted"));
    await expect(aborted).rejects.toThrow("no longer wanted");
    await expect(encoder.encode("star", { signal: controller.signal })).rejects.toThrow("no longer wanted");
    expect((await next).embeddings).toHaveLength(1);
  });

  test("a callback that throws fails its call alone", async () => {
    const onProgress = (): void => {
      throw new Error("thrown by the callback");
    };
    await expect(encoder.encode(many, { onProgress })).rejects.toThrow("thrown by the callback");
    expect((await encoder.encode("star")).embeddings).toHaveLength(1);
  });

  test("of calls with one key only the latest is answered", async () => {
    const typed = "a small red star left of a large blue circle";
    const calls = Array.from(typed, (_, i) => encoder.encode(typed.slice(0, i + 1), { supersede: "search" }));
    const other = encoder.encode("a ring", { supersede: "other" });
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.at(-1)!.status).toBe("fulfilled");
    for (const outcome of outcomes.slice(0, -1)) {
      expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(SupersededError);
    }
    expect((await other).embeddings).toHaveLength(1);
  });
});

describe("a worker of the user's", () => {
  test("serves the backends that it registered, several encoders, and its own messages", async () => {
    const worker = userWorker();
    const options = { model: "shapes", backend: "reference", worker } as const;
    const [plain, states] = await Promise.all([
      createWorkerTextEncoder(options),
      createWorkerTextEncoder({ ...options, outputs: ["last", "embedding"] }),
    ]);
    await using direct = await createTextEncoder({
      model: "shapes",
      backend: reference(),
      outputs: ["last", "embedding"],
    });
    expect(plain.info.backend).toBe("reference");
    const prompts = ["a red circle", "a small blue star", "a red circle"];
    const expected = await direct.encode(prompts);
    expect((await plain.encode(prompts)).data).toEqual(expected.data);
    expect(await states.encode(prompts)).toEqual(expected);
    worker.postMessage("ping");
    expect(await once(worker, "message")).toEqual(["pong"]);
    await plain.dispose();
    expect((await states.encode("star")).embeddings).toHaveLength(1);
    await states.dispose();
    worker.postMessage("ping");
    expect(await once(worker, "message")).toEqual(["pong"]);
    await worker.terminate();
  });

  test("work that is aborted is left, between two runs", async () => {
    const worker = userWorker();
    const options = { model: "shapes", worker, prefixCache: 2 ** 26 } as const;
    await using encoder = await createWorkerTextEncoder(options);
    const controller = new AbortController();
    const onProgress = (): void => controller.abort();
    await expect(encoder.encode(many, { signal: controller.signal, onProgress })).rejects.toMatchObject({
      name: "AbortError",
    });
    await encoder.encode("star");
    // Of all its rows, some 9,000, the worker has computed a few runs.
    expect(encoder.prefixCache!.rows).toBeLessThan(2000);
    await worker.terminate();
  });

  test.each([
    ["throw", "thrown in the worker"],
    ["exit", "it ended"],
  ])("when it ends (%s), everything rejects", async (message, reason) => {
    const worker = userWorker();
    const encoder = await createWorkerTextEncoder({ model: "shapes", worker });
    const waiting = [encoder.encode(many), encoder.encode("star"), encoder.clearPrefixCache()];
    worker.postMessage(message);
    for (const { status, reason: error } of (await Promise.allSettled(waiting)) as PromiseRejectedResult[]) {
      if (status === ("fulfilled" as string)) continue; // answered before
      expect(error).toBeInstanceOf(WorkerLostError);
      expect(String(error)).toContain(reason);
    }
    await expect(encoder.encode("star")).rejects.toBeInstanceOf(WorkerLostError);
    await encoder.dispose();
  });

  test("a worker that cannot be loaded", async () => {
    const worker = new Worker(new URL("workers/absent.mjs", import.meta.url));
    await expect(createWorkerTextEncoder({ model: "shapes", worker })).rejects.toThrow("Cannot find module");
  });
});

describe("opening", () => {
  test("errors have their classes", async () => {
    const unknown = createWorkerTextEncoder({ model: "shapes", backend: "webgpu" });
    await expect(unknown).rejects.toBeInstanceOf(RegistryError);
    const empty = createWorkerTextEncoder({ model: new Blob([]) });
    await expect(empty).rejects.toMatchObject({
      name: expect.stringMatching(/Error$/),
      code: expect.any(String),
    });
    const folder = createWorkerTextEncoder({ model: import.meta.dirname });
    await expect(folder).rejects.toBeInstanceOf(CheckpointError);
    await expect(folder).rejects.toMatchObject({ code: "no-checkpoint" });
  });

  test("options that cannot be sent are refused", async () => {
    const hub = { onWarning: () => undefined };
    const refused = createWorkerTextEncoder({ model: "openai/clip-vit-base-patch32", hub });
    await expect(refused).rejects.toThrow("expected what can be sent to a worker");
  });

  test("can be aborted", async () => {
    const controller = new AbortController();
    const opening = createWorkerTextEncoder({ model: "shapes", signal: controller.signal });
    controller.abort(new Error("no longer wanted"));
    await expect(opening).rejects.toThrow("no longer wanted");
    await expect(createWorkerTextEncoder({ model: "shapes", signal: controller.signal })).rejects.toThrow(
      "no longer wanted",
    );
  });

  test("a caller of another version is told so", async () => {
    const worker = userWorker();
    const { port1, port2 } = new MessageChannel();
    const answer = once(port1 as never, "message");
    port1.start();
    worker.postMessage({ protocol: "textower/worker 0", port: port2 }, [port2 as never]);
    expect(await answer).toMatchObject([{ id: 0, error: { name: "WorkerLostError" } }]);
    port1.close();
    await worker.terminate();
  });
});

test("after dispose, and while it goes on, calls reject with DisposedError", async () => {
  const encoder = await createWorkerTextEncoder({ model: "shapes" });
  const waiting = encoder.encode(many);
  waiting.catch(() => undefined);
  await encoder.dispose();
  await encoder.dispose();
  await expect(waiting).rejects.toBeInstanceOf(DisposedError);
  await expect(encoder.encode("star")).rejects.toBeInstanceOf(DisposedError);
});
