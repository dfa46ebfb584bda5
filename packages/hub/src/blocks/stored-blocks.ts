/**
 * The parts of one file that a cache holds: runs of blocks, each stored with its SHA-256. A run that is not what was
 * written (cut, damaged, half deleted) is forgotten and counts as missing.
 *
 * Not here: fetching what is missing.
 */
import { HubError } from "../errors.js";
import { keyPart } from "./block-storage.js";
import type { BlockStorage } from "./block-storage.js";

/** Bytes of a block: a request for less brings this much, which is 32 token rows of a tower of width 512 in float32. */
export const BLOCK_BYTES = 64 * 1024;
/** Blocks of a run at most: 4 MiB. */
export const RUN_BLOCKS = 64;
const DIGEST_BYTES = 32;
/** Bytes of runs that are held in memory where they cannot be stored: neighbours of small tensors are asked for next. */
export const MEMORY_BYTES = 16 * 2 ** 20;

/** Consecutive blocks. */
export interface Run {
  readonly first: number;
  readonly count: number;
}

interface StoredRun extends Run {
  /** Whether the digest has been checked since the file was opened. */
  verified: boolean;
  /** Where it could not be stored. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

/** See the file's head. */
export class StoredBlocks {
  readonly #storage: BlockStorage;
  readonly #folder: string;
  readonly #size: number;
  readonly #warn: (warning: HubError) => void;
  /** By number of their first block. */
  #runs = new Map<number, StoredRun>();
  #inMemory: StoredRun[] = [];
  #failure: HubError | undefined;

  private constructor(
    storage: BlockStorage,
    folder: string,
    size: number,
    warn: (warning: HubError) => void,
  ) {
    this.#storage = storage;
    this.#folder = folder;
    this.#size = size;
    this.#warn = warn;
  }

  /**
   * @param etag - names the content
   * @param warn - told once if nothing can be stored; reading goes on without
   */
  static async open(
    storage: BlockStorage,
    etag: string,
    size: number,
    warn: (warning: HubError) => void,
  ): Promise<StoredBlocks> {
    const folder = `blocks/${keyPart(etag)}`;
    const blocks = new StoredBlocks(storage, folder, size, warn);
    for (const name of await storage.list(folder)) {
      const match = /^(\d{1,9})-(\d{1,3})$/.exec(name);
      const run = { first: Number(match?.[1]), count: Number(match?.[2]), verified: false };
      if (match === null || run.count < 1 || run.count > RUN_BLOCKS) continue;
      if (run.count > (blocks.#runs.get(run.first)?.count ?? 0)) blocks.#runs.set(run.first, run);
    }
    return blocks;
  }

  /** Why runs cannot be stored; undefined as long as they can. */
  get failure(): HubError | undefined {
    return this.#failure;
  }

  /** The stored run that holds a block. */
  find(block: number): Run | undefined {
    for (let first = block; first > block - RUN_BLOCKS && first >= 0; first--) {
      const run = this.#runs.get(first);
      if (run !== undefined && first + run.count > block) return run;
    }
    return undefined;
  }

  /** Bytes of the file that a run covers: [begin, end) */
  extent({ first, count }: Run): { begin: number; end: number } {
    return { begin: first * BLOCK_BYTES, end: Math.min((first + count) * BLOCK_BYTES, this.#size) };
  }

  /** Bytes `begin` to `end` of the file out of a run; undefined if it turns out not to be there. */
  async read(found: Run, begin: number, end: number): Promise<Uint8Array | undefined> {
    const run = this.#runs.get(found.first);
    if (run === undefined || run.count !== found.count) return undefined;
    const extent = this.extent(run);
    if (run.bytes !== undefined) return run.bytes.subarray(begin - extent.begin, end - extent.begin);
    const key = this.#key(run);
    const length = extent.end - extent.begin;
    if (run.verified) {
      const bytes = await this.#storage.read(key, begin - extent.begin, end - extent.begin);
      if (bytes?.length === end - begin) return bytes;
    } else {
      const stored = await this.#storage.read(key);
      if (stored?.length === length + DIGEST_BYTES) {
        const content = stored.subarray(0, length);
        if (equal(await sha256(content), stored.subarray(length))) {
          run.verified = true;
          return content.subarray(begin - extent.begin, end - extent.begin);
        }
      }
    }
    this.#runs.delete(run.first);
    await this.#storage.remove(key).catch(() => {}); // it is overwritten when it has been fetched again
    return undefined;
  }

  /** Stores a run, or holds it in memory for a while. The bytes are the file's, the array from now on this object's. */
  async write(run: Run, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#failure === undefined) {
      try {
        const stored = new Uint8Array(bytes.length + DIGEST_BYTES);
        stored.set(bytes);
        stored.set(await sha256(bytes), bytes.length);
        await this.#storage.write(this.#key(run), stored);
        this.#runs.set(run.first, { ...run, verified: true });
        return;
      } catch (error) {
        if (!(error instanceof HubError)) throw error;
        this.#failure = error;
        this.#warn(error);
      }
    }
    const held = { ...run, verified: true, bytes };
    this.#runs.set(run.first, held);
    this.#inMemory.push(held);
    for (let total = sum(this.#inMemory); total > MEMORY_BYTES; total = sum(this.#inMemory)) {
      const { first } = this.#inMemory.shift()!;
      if (this.#runs.get(first)?.bytes !== undefined) this.#runs.delete(first);
    }
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    this.#runs = new Map();
    this.#inMemory = [];
    await this.#storage.remove(this.#folder);
  }

  #key({ first, count }: Run): string {
    return `${this.#folder}/${first}-${count}`;
  }
}

function sum(runs: readonly StoredRun[]): number {
  return runs.reduce((total, { bytes }) => total + bytes!.length, 0);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (crypto.subtle === undefined) {
    throw new HubError("cache-not-writable", "nothing is kept: this page is no secure context (HTTPS)");
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
