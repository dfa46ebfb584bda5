/**
 * `RunQueue`: runs one task after another and refuses them once disposed. It is how a backend keeps the promises that
 * `Executable.run` and `Executable.dispose` make about order.
 */
import { DisposedError } from "./errors.js";

/** See the file's head. One per executable. */
export class RunQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #disposal: Promise<void> | undefined;
  readonly #who: string;

  /** @param who - begins the messages of its errors, such as "wasm" */
  constructor(who: string) {
    this.#who = who;
  }

  /** Whether `dispose` was called. */
  get disposed(): boolean {
    return this.#disposal !== undefined;
  }

  /**
   * Runs a task once all earlier ones have settled.
   * Rejects with DisposedError if the queue is disposed of by then, or with the signal's reason if that is aborted.
   */
  run<T>(task: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    const result = this.#tail.then(() => {
      if (this.disposed)
        throw new DisposedError(`${this.#who}: expected a live executable, got one that is disposed of`);
      signal?.throwIfAborted();
      return task();
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Refuses everything that has not started, waits for what has, then calls `free` once. */
  dispose(free: () => void | Promise<void>): Promise<void> {
    this.#disposal ??= this.#tail.then(free);
    return this.#disposal;
  }
}
