/** What the panels share: the worker, the model that runs, and who wants to know when it changes. */
import { proxy, wrap } from "comlink";
import type { Remote } from "comlink";
import type { Encoding, Engine, ModelChoice, ModelInfo, OnProgress } from "./protocol.js";

/** See the file's head. */
export class App {
  readonly engine: Remote<Engine>;
  #model: ModelInfo | undefined;
  readonly #listeners: (() => void)[] = [];
  /** Told how long each answer took, in milliseconds in the worker. */
  onLatency: (milliseconds: number) => void = () => undefined;

  constructor() {
    const worker = new Worker(new URL("./engine-worker.ts", import.meta.url), { type: "module" });
    this.engine = wrap<Engine>(worker);
  }

  /** What runs; undefined while the first model is loading. */
  get model(): ModelInfo | undefined {
    return this.#model;
  }

  /** Calls `listener` whenever another model is there. */
  onModel(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Loads a model and tells everybody. Rejects with what the worker rejects with; the old one then goes on. */
  async load(choice: ModelChoice, onProgress: OnProgress): Promise<ModelInfo> {
    this.#model = await this.engine.load(choice, proxy(onProgress));
    this.announce();
    return this.#model;
  }

  /** Vectors of prompts, by the model that runs. */
  async encode(prompts: readonly string[]): Promise<Encoding> {
    const encoding = await this.engine.encode(prompts);
    this.onLatency(encoding.milliseconds);
    return encoding;
  }

  /** Tells everybody of the model that runs. */
  announce(): void {
    for (const listener of this.#listeners) listener();
  }
}

/**
 * Encodes what was asked for last: while the worker is busy newer questions replace older ones, so that typing never
 * queues up.
 */
export class LatestEncoding {
  #waiting: readonly string[] | undefined;
  #isBusy = false;
  #work = Promise.resolve();

  constructor(
    private readonly app: App,
    private readonly onResult: (prompts: readonly string[], encoding: Encoding) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  ask(prompts: readonly string[]): void {
    this.#waiting = prompts;
    this.#work = this.#isBusy ? this.#work : this.#answer();
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** When nothing waits for an answer any more. */
  idle(): Promise<void> {
    return this.#work;
  }

  async #answer(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting !== undefined) {
      const prompts = this.#waiting;
      this.#waiting = undefined;
      try {
        const encoding = await this.app.encode(prompts);
        if (this.#waiting === undefined) this.onResult(prompts, encoding);
      } catch (error) {
        this.onError(error);
      }
    }
    this.#isBusy = false;
  }
}
