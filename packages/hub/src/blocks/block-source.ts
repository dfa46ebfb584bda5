/**
 * A file of a hub as a `ByteSource`: what is read is fetched, in whole blocks, unless the cache has it. Missing blocks
 * that lie together come in one request of up to 4 MiB, a few requests at a time; reads that overlap share them.
 */
import { ByteSourceError } from "@textower/weights";
import type { ByteSource } from "@textower/weights";
import { HubError } from "../errors.js";
import { RangeIgnored } from "../http/remote-file.js";
import type { RemoteFile } from "../http/remote-file.js";
import type { FileProgress } from "../progress.js";
import type { Verifier } from "../verifier.js";
import { BLOCK_BYTES, MEMORY_BYTES, RUN_BLOCKS } from "./stored-blocks.js";
import type { Run, StoredBlocks } from "./stored-blocks.js";

/** Requests at a time for one file; each holds a run of at most 4 MiB in memory. */
const MAX_REQUESTS = 4;

/** See the file's head. */
export class BlockSource implements ByteSource {
  readonly size: number;
  readonly isRemote = true;
  readonly #closing = new AbortController();
  /** Runs that are on their way, by the number of each of their blocks. */
  readonly #coming = new Map<number, Promise<void>>();
  /** The whole file on its way, from a server that sends nothing less. */
  #everything: Promise<void> | undefined;
  #requests = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    readonly name: string,
    private readonly remote: RemoteFile | undefined,
    private readonly blocks: StoredBlocks,
    size: number,
    private readonly progress: FileProgress,
    /** A check of the whole content, for when all of it passes by. */
    private readonly verifier: () => Verifier,
  ) {
    this.size = size;
  }

  async read(offset: number, into: Uint8Array, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#throwIfClosed();
    const end = offset + into.length;
    if (!Number.isSafeInteger(offset) || offset < 0 || end > this.size) {
      const message = `${this.name}: expected bytes within 0..${this.size}, got ${offset}..${end}`;
      throw new ByteSourceError("out-of-range", message);
    }
    if (into.length === 0) return;
    const stop =
      signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    try {
      await this.#fill(offset, end, into, stop);
    } catch (error) {
      signal?.throwIfAborted();
      this.#throwIfClosed();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  #throwIfClosed(): void {
    if (this.#closing.signal.aborted) throw new ByteSourceError("closed", `${this.name}: read after close()`);
  }

  async #fill(begin: number, end: number, into: Uint8Array, signal: AbortSignal): Promise<void> {
    for (let at = begin; at < end;) {
      // What is missing is asked for first, all of it; then pieces are copied in order.
      const run = this.blocks.find(Math.floor(at / BLOCK_BYTES));
      if (run === undefined) {
        await this.#fetchMissing(at, end, signal, (run, bytes) => {
          copyOverlap(this.blocks.extent(run).begin, bytes, begin, into);
        });
        at = end;
        continue;
      }
      const until = Math.min(this.blocks.extent(run).end, end);
      const bytes = await this.blocks.read(run, at, until);
      signal.throwIfAborted();
      if (bytes === undefined) continue; // damaged: now it is missing
      into.set(bytes, at - begin);
      at = until;
    }
  }

  /**
   * Brings everything from `begin` to `end`: fetches what is missing, reads what is not, and hands out all of it.
   */
  async #fetchMissing(
    begin: number,
    end: number,
    signal: AbortSignal,
    use: (run: Run, bytes: Uint8Array) => void,
  ): Promise<void> {
    const [first, last] = [Math.floor(begin / BLOCK_BYTES), Math.floor((end - 1) / BLOCK_BYTES)];
    const tasks: Promise<void>[] = [];
    const stop = new AbortController();
    const inner = AbortSignal.any([signal, stop.signal]);
    inner.addEventListener("abort", () => this.#wake(), { once: true });
    for (let block = first; block <= last;) {
      const stored = this.blocks.find(block);
      const coming = this.#coming.get(block);
      if (stored !== undefined || coming !== undefined) {
        const until = stored === undefined ? block + 1 : Math.min(stored.first + stored.count, last + 1);
        const run = { first: block, count: until - block };
        tasks.push(this.#awaitRun(run, coming, inner, use));
        block = until;
        continue;
      }
      let count = 1;
      while (
        count < RUN_BLOCKS &&
        block + count <= last &&
        this.blocks.find(block + count) === undefined &&
        !this.#coming.has(block + count)
      ) {
        count++;
      }
      tasks.push(this.#fetchRun({ first: block, count }, inner, use));
      block += count;
    }
    try {
      await Promise.all(tasks);
    } finally {
      stop.abort(); // one failed: the others are of no use
      await Promise.allSettled(tasks);
    }
  }

  /** Blocks that are stored, or that another read is fetching: by an ordinary read, once they are there. */
  async #awaitRun(
    run: Run,
    coming: Promise<void> | undefined,
    signal: AbortSignal,
    use: (run: Run, bytes: Uint8Array) => void,
  ): Promise<void> {
    await coming?.catch(() => {}); // the other read may have been aborted; this one goes on
    signal.throwIfAborted();
    const { begin, end } = this.blocks.extent(run);
    const bytes = new Uint8Array(end - begin);
    await this.#fill(begin, end, bytes, signal);
    use(run, bytes);
  }

  async #fetchRun(run: Run, signal: AbortSignal, use: (run: Run, bytes: Uint8Array) => void): Promise<void> {
    const task = this.#limit(() => this.#fetch(run, signal, use), signal);
    for (let block = run.first; block < run.first + run.count; block++) this.#coming.set(block, task);
    try {
      await task;
    } finally {
      for (let block = run.first; block < run.first + run.count; block++) this.#coming.delete(block);
    }
  }

  async #fetch(run: Run, signal: AbortSignal, use: (run: Run, bytes: Uint8Array) => void): Promise<void> {
    signal.throwIfAborted();
    if (this.remote === undefined) {
      throw new HubError(
        "offline",
        `${this.name}: these bytes are not in the cache, and nothing may be fetched`,
      );
    }
    const { begin, end } = this.blocks.extent(run);
    const bytes = new Uint8Array(end - begin);
    let at = 0;
    this.progress.want(bytes.length);
    try {
      await this.remote.stream(
        begin,
        end,
        (chunk) => {
          bytes.set(chunk, at);
          at += chunk.length;
          this.progress.add(chunk.length);
        },
        { whole: "refuse", signal },
      );
    } catch (error) {
      if (!(error instanceof RangeIgnored)) {
        await this.#keepWhole(run, bytes.subarray(0, at));
        throw error;
      }
      await this.#readFromEverything(begin, end, bytes, signal);
      use(run, bytes);
      return;
    }
    use(run, bytes);
    await this.blocks.write(run, bytes);
  }

  /** Of a run that was aborted or broke: the blocks that had come whole, so that they need not come again. */
  async #keepWhole({ first }: Run, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const count = Math.floor(bytes.length / BLOCK_BYTES);
    if (count > 0) await this.blocks.write({ first, count }, bytes.subarray(0, count * BLOCK_BYTES));
  }

  /** A server that ignores ranges sends the file once; all of it is kept, and these bytes come out of that. */
  async #readFromEverything(
    begin: number,
    end: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      const running = this.#everything;
      if (running === undefined) {
        this.#everything = this.#streamEverything(signal).finally(() => {
          this.#everything = undefined;
        });
        await this.#everything;
      } else {
        await running.catch(() => {}); // another read's; if it fails, or is aborted, this one tries
      }
      signal.throwIfAborted();
      if (await this.#readStored(begin, end, into)) return;
      if (running === undefined) {
        throw new HubError("cache-failed", `${this.name}: what was just written to the cache cannot be read`);
      }
    }
  }

  /** Fills `into` from the cache; whether all of it was there. */
  async #readStored(begin: number, end: number, into: Uint8Array): Promise<boolean> {
    for (let at = begin; at < end;) {
      const run = this.blocks.find(Math.floor(at / BLOCK_BYTES));
      if (run === undefined) return false;
      const until = Math.min(this.blocks.extent(run).end, end);
      const bytes = await this.blocks.read(run, at, until);
      if (bytes === undefined) continue; // damaged: now it is missing
      into.set(bytes, at - begin);
      at = until;
    }
    return true;
  }

  async #streamEverything(signal: AbortSignal): Promise<void> {
    const verifier = this.verifier();
    let run: Run = { first: 0, count: 0 };
    let bytes = new Uint8Array(0);
    let at = 0;
    const next = (): void => {
      const first = run.first + run.count;
      const count = Math.min(RUN_BLOCKS, Math.ceil(this.size / BLOCK_BYTES) - first);
      run = { first, count };
      const { begin, end } = this.blocks.extent(run);
      bytes = new Uint8Array(Math.max(0, end - begin));
      at = 0;
    };
    next();
    this.progress.want(this.size);
    await this.remote!.stream(
      0,
      this.size,
      async (chunk) => {
        this.progress.add(chunk.length);
        verifier.update(chunk);
        for (let from = 0; from < chunk.length;) {
          const piece = chunk.subarray(from, from + bytes.length - at);
          bytes.set(piece, at);
          at += piece.length;
          from += piece.length;
          if (at < bytes.length) return;
          await this.blocks.write(run, bytes);
          if (this.blocks.failure !== undefined) {
            const message = `${this.name}: the server sends the whole file only, and there is no cache to keep it in`;
            throw new HubError("range-ignored", message, { cause: this.blocks.failure });
          }
          next();
        }
      },
      { whole: "skip", signal },
    );
    await this.#require(verifier);
  }

  /**
   * Brings the whole file into the cache and checks it. Rejects with HubError `hash-mismatch` for a file that is not
   * the one announced; then nothing of it is kept. Also rejects if the cache cannot hold it, nor memory.
   */
  async complete(signal: AbortSignal | undefined): Promise<void> {
    const verifier = this.verifier();
    const step = RUN_BLOCKS * BLOCK_BYTES;
    for (let at = 0; at < this.size; at += step) {
      const bytes = new Uint8Array(Math.min(step, this.size - at));
      await this.read(at, bytes, signal);
      verifier.update(bytes);
      const { failure } = this.blocks;
      if (failure !== undefined && this.size > MEMORY_BYTES) throw failure;
    }
    await this.#require(verifier);
  }

  async #require(verifier: Verifier): Promise<void> {
    const mismatch = verifier.mismatch();
    if (mismatch === undefined) return;
    await this.blocks.clear();
    throw new HubError("hash-mismatch", `${this.name}: ${mismatch}`);
  }

  /** At most MAX_REQUESTS at a time. Whoever is aborted while waiting waits no longer. */
  async #limit<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    while (this.#requests === MAX_REQUESTS) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      signal.throwIfAborted();
    }
    this.#requests++;
    try {
      return await task();
    } finally {
      this.#requests--;
      this.#wake();
    }
  }

  /** Lets all that wait look again. */
  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Copies what `bytes` at `from` and `into` at `begin` have in common. */
function copyOverlap(from: number, bytes: Uint8Array, begin: number, into: Uint8Array): void {
  const start = Math.max(from, begin);
  const end = Math.min(from + bytes.length, begin + into.length);
  if (end > start) into.set(bytes.subarray(start - from, end - from), start - begin);
}
