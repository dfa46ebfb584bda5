/** What `chromium-worker.test.mjs` asks of a page. All answers are plain data. */
import { reference } from "../../../packages/backend-reference/dist/index.js";
import { createTextEncoder } from "../../../packages/textower/dist/index.js";
import {
  createWorkerTextEncoder,
  SupersededError,
  WorkerLostError,
} from "../../../packages/textower/dist/worker/index.js";
import { TextTooLongError } from "../../../packages/tokenizer/dist/index.js";

const PROMPTS = ["a red circle", "", "a small blue star left of a large ring", "a red circle"];
/** More work than is done before the messages that follow are read. */
const MANY = Array.from({ length: 600 }, (_, i) => `${i} rings, ${i * 7} hearts and ${i * 13} stars`);

/** A worker of a user's own, with the reference backend. */
const ownWorker = () => new Worker(new URL("./own-worker.mjs", import.meta.url), { type: "module" });

/** What a promise rejects with, by name. */
const rejection = (promise) =>
  promise.then(
    () => "fulfilled",
    (error) => error.name,
  );

globalThis.suite = {
  /** Vectors of the package's own worker, and of the reference on this thread. */
  async vectors() {
    await using direct = await createTextEncoder({ model: "shapes", backend: reference() });
    await using encoder = await createWorkerTextEncoder({ model: "shapes" });
    const { data, rows, prompts } = await encoder.encode(PROMPTS);
    const expected = await direct.encode(PROMPTS);
    return {
      info: encoder.info,
      rows: [rows, expected.rows],
      tokens: prompts.map(({ tokens }) => tokens),
      data: Array.from(data),
      expected: Array.from(expected.data),
    };
  },

  async errors() {
    await using encoder = await createWorkerTextEncoder({ model: "shapes" });
    const tooLong = await encoder.encode(["fine", "dog ".repeat(90)]).catch((error) => error);
    const controller = new AbortController();
    const aborted = encoder.encode(MANY, { signal: controller.signal });
    controller.abort(new Error("no longer wanted"));
    const [earlier, later] = [1, 2].map((n) => encoder.encode(`${n} stars`, { supersede: "key" }));
    return {
      tooLong: [tooLong instanceof TextTooLongError, tooLong.index, tooLong.excess],
      aborted: await aborted.catch((error) => error.message),
      superseded: (await earlier.catch((error) => error)) instanceof SupersededError,
      latest: (await later).embeddings.length,
      refused: await rejection(createWorkerTextEncoder({ model: "shapes", hub: { onWarning() {} } })),
    };
  },

  /** Rows in the prefix cache after a long call was aborted at its first run: what the worker did of it. */
  async rowsOfAborted() {
    const worker = ownWorker();
    const encoder = await createWorkerTextEncoder({ model: "shapes", worker, prefixCache: 2 ** 26 });
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    await encoder.encode(MANY, { signal: controller.signal, onProgress }).catch(() => undefined);
    await encoder.encode("star");
    const { rows } = encoder.prefixCache;
    await encoder.dispose();
    worker.terminate();
    return { backend: encoder.info.backend, rows };
  },

  /** How often timers of the page fire while the worker works. */
  async ticks() {
    await using encoder = await createWorkerTextEncoder({ model: "shapes" });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await encoder.encode(MANY);
    clearInterval(timer);
    return ticks;
  },

  /** The calls that wait when something in the worker throws, and one afterwards. */
  async thrown() {
    const worker = ownWorker();
    const encoder = await createWorkerTextEncoder({ model: "shapes", worker });
    const calls = [encoder.encode(MANY), encoder.clearPrefixCache()];
    worker.postMessage("throw");
    const waiting = await Promise.all(calls.map(rejection));
    const later = await encoder.encode("star").catch((error) => error);
    await encoder.dispose();
    worker.terminate();
    return { waiting, later: later instanceof WorkerLostError };
  },

  async terminated() {
    const worker = ownWorker();
    const encoder = await createWorkerTextEncoder({ model: "shapes", worker });
    const call = encoder.encode(MANY);
    worker.terminate();
    return rejection(call);
  },

  async absent() {
    const worker = new Worker("/absent.mjs", { type: "module" });
    return rejection(createWorkerTextEncoder({ model: "shapes", worker }));
  },
};
