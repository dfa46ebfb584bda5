/**
 * Calls to one encoder in a worker, and their answers. It knows ids, cancelling and the end of the worker; what the
 * calls mean is up to `worker-text-encoder.ts`.
 */
import type { PrefixCacheInfo } from "../prefix-cache.js";
import { errorFromPlain } from "./error-transfer.js";
import { WorkerLostError } from "./errors.js";
import { holdPort, onWorkerError, startWorker } from "./host.js";
import type { OwnWorker, TextEncoderWorker } from "./host.js";
import { watchLife } from "./life.js";
import { PROTOCOL } from "./messages.js";
import type { Call, Connect, FromWorker, Progress, Results, ToWorker } from "./messages.js";

/** A call that is on its way. */
export interface Pending<Result> {
  readonly result: Promise<Result>;
  /** Rejects with `reason` at once; what the worker has not started, it leaves. Harmless when it is answered. */
  cancel(reason: unknown): void;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** See the file's head. */
export class Connection {
  readonly #port: MessagePort;
  /** Absent if the worker is the user's. */
  readonly #own: OwnWorker | undefined;
  readonly #forget: () => void;
  readonly #life = `textower/worker ${Date.now()} ${Math.random()}`;
  /** Set with the worker's first message: by then it holds the lock. */
  #unwatch: (() => void) | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  /** What every call rejects with once there is nobody to answer. */
  #end: Error | undefined;
  #prefixCache: PrefixCacheInfo | undefined;

  /** @param worker - the user's; by default one of this package's own is started, which ends with the connection */
  constructor(worker?: TextEncoderWorker) {
    this.#own = worker === undefined ? startWorker() : undefined;
    const peer = worker ?? this.#own!.worker;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#forget = onWorkerError(peer, (message, cause) => this.#lose(message, { cause }));
    port1.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    port1.addEventListener("messageerror", () => this.#lose("it sent what cannot be read"));
    // Not every host has this event. A macrotask later, since an error that says more may be on its way.
    port1.addEventListener("close", () => setTimeout(() => this.#lose("it ended")));
    this.#hold();
    peer.postMessage({ protocol: PROTOCOL, port: port2, life: this.#life } satisfies Connect, [
      port2 as never,
    ]);
  }

  /** As the last answer told it. */
  get prefixCache(): PrefixCacheInfo | undefined {
    return this.#prefixCache;
  }

  /** @throws TypeError for what cannot be sent; the result rejects with what the worker's call rejects with */
  call<Name extends Call["call"]>(
    request: Extract<Call, { readonly call: Name }>,
    onProgress?: (progress: Progress) => void,
  ): Pending<Results[Name]> {
    const id = this.#calls++;
    const result = new Promise<unknown>((resolve, reject) => {
      if (this.#end !== undefined) return reject(this.#end);
      this.#send({ ...request, id });
      this.#waiting.set(id, { resolve, reject, onProgress });
      this.#hold();
    }) as Promise<Results[Name]>;
    return { result, cancel: (reason) => this.#cancel(id, reason) };
  }

  /** Cancels every call that waits. */
  cancelAll(reason: unknown): void {
    for (const id of [...this.#waiting.keys()]) this.#cancel(id, reason);
  }

  /** Every later call rejects with `end`, and so does what still waits. A worker of this package's own ends. */
  close(end: Error): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#forget();
    this.#unwatch?.();
    this.#port.close();
    this.#own?.terminate();
    for (const { reject } of this.#waiting.values()) reject(end);
    this.#waiting.clear();
  }

  #receive(message: FromWorker): void {
    this.#unwatch ??= watchLife(this.#life, () => this.#lose("it ended"));
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return; // cancelled
    if ("progress" in message) {
      try {
        waiting.onProgress?.(message.progress);
      } catch (error) {
        this.#cancel(message.id, error);
      }
      return;
    }
    this.#waiting.delete(message.id);
    this.#hold();
    if ("error" in message) {
      void errorFromPlain(message.error).then(waiting.reject);
      return;
    }
    this.#prefixCache = message.prefixCache;
    waiting.resolve(message.result);
  }

  #cancel(id: number, reason: unknown): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.#hold();
    this.#send({ abort: id });
    waiting.reject(reason);
  }

  #send(message: ToWorker): void {
    try {
      this.#port.postMessage(message);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new TypeError(`textower/worker: expected what can be sent to a worker, got ${why}`, { cause });
    }
  }

  #lose(why: string, options?: ErrorOptions): void {
    this.close(new WorkerLostError(`textower/worker: expected an answer of the worker, but ${why}`, options));
  }

  /** A process stays alive for answers, not for an encoder that nobody asks anything. */
  #hold(): void {
    const alive = this.#waiting.size > 0;
    holdPort(this.#port, alive);
    this.#own?.hold(alive);
  }
}
