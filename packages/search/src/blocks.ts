/**
 * Blocks of JSON one after another, as saved indexes have them: uint32 bytes (little-endian), then so many bytes of JSON in
 * UTF-8. Not lines: what ends a line is not the same everywhere.
 */
import { SearchError } from "./errors.js";

/** @returns the bytes of one block */
export function jsonBlock(value: unknown): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(value));
  const block = new Uint8Array(4 + json.length);
  new DataView(block.buffer).setUint32(0, json.length, true);
  block.set(json, 4);
  return block;
}

/** Takes bytes and blocks from pieces of any size. Nothing is allocated for bytes that have not come. */
export class BlockReader {
  readonly #who: string;
  readonly #pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #held: Uint8Array[] = [];
  /** Bytes of `held`. */
  #have = 0;

  /** @param who - begins the messages of its errors */
  constructor(who: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#who = who;
    this.#pieces =
      Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  }

  /** Rejects with SearchError `bad-file` if there are not so many. @returns so many bytes, in a buffer of their own */
  async take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#have < length) {
      const { done, value } = await this.#pieces.next();
      if (done === true) throw this.bad(`${length} bytes more`, String(this.#have));
      this.#held.push(value);
      this.#have += value.length;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    let used = 0;
    while (at < length) {
      const piece = this.#held[used]!;
      const part = piece.subarray(0, length - at);
      bytes.set(part, at);
      at += part.length;
      if (part.length === piece.length) used++;
      else this.#held[used] = piece.subarray(part.length);
    }
    this.#held.splice(0, used);
    this.#have -= length;
    return bytes;
  }

  /** One block. Rejects with SearchError `bad-file` if it is no JSON object. */
  async json(): Promise<Record<string, unknown>> {
    const length = new DataView((await this.take(4)).buffer).getUint32(0, true);
    const text = new TextDecoder().decode(await this.take(length));
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw this.bad("JSON in a block", "something else", { cause });
    }
    if (typeof value !== "object" || value === null) throw this.bad("an object in a block", typeof value);
    return value as Record<string, unknown>;
  }

  /** Rejects with SearchError `bad-file` unless the next bytes are these. */
  async magic(expected: string): Promise<void> {
    const magic = new TextDecoder().decode(await this.take(expected.length));
    if (magic !== expected) throw this.bad(`a file that begins with ${expected}`, JSON.stringify(magic));
  }

  /** An error to throw. */
  bad(expected: string, got: string, options?: ErrorOptions): SearchError {
    return new SearchError("bad-file", `${this.#who}: expected ${expected}, got ${got}`, options);
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}
