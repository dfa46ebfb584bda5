/**
 * What `EmbeddingIndex.save` writes: blocks of entries one after another, so that neither side needs more than a block
 * in memory, and an end, so that half a file is known for one. Little-endian.
 *
 *   file   "textower.index.1", then a JSON block { dimension, checkpoint }, entries, and a JSON block { end: entries }
 *   block  uint32 bytes of the JSON, the JSON in UTF-8; for entries { ids, metadata }, then float32 [ids, dimension]
 */
import type { EntryBatch, IndexLayout, Metadata } from "./engine.js";
import { SearchError } from "./errors.js";

const MAGIC = "textower.index.1";

/** Entries of one block. */
const BLOCK = 1024;

/** @returns pieces of a file, each the caller's */
export async function* writeDump(
  { dimension, checkpoint }: IndexLayout,
  batches: AsyncIterable<EntryBatch>,
): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(MAGIC);
  yield jsonBlock({ dimension, checkpoint });
  let end = 0;
  for await (const { ids, vectors, metadata } of batches) {
    for (let first = 0; first < ids.length; first += BLOCK) {
      const some = ids.slice(first, first + BLOCK);
      yield jsonBlock({ ids: some, metadata: metadata.slice(first, first + BLOCK) });
      // A copy: what an engine hands out may be a view of what it keeps.
      const rows = vectors.slice(first * dimension, (first + some.length) * dimension);
      yield new Uint8Array(rows.buffer);
      end += some.length;
    }
  }
  yield jsonBlock({ end });
}

/** @throws SearchError `bad-file`, `width`, `checkpoint` */
export async function* readDump(
  layout: IndexLayout,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<EntryBatch> {
  const reader = new Reader(pieces);
  try {
    const magic = new TextDecoder().decode(await reader.take(MAGIC.length));
    if (magic !== MAGIC) throw bad(`a file that begins with ${MAGIC}`, JSON.stringify(magic));
    const { dimension, checkpoint } = await readJson(reader);
    if (dimension !== layout.dimension) {
      throw new SearchError(
        "width",
        `load: expected an index of width ${layout.dimension}, got ${String(dimension)}`,
      );
    }
    if (checkpoint !== layout.checkpoint) {
      throw new SearchError(
        "checkpoint",
        `load: expected an index of ${layout.checkpoint}, got one of ${String(checkpoint)}`,
      );
    }
    let count = 0;
    for (;;) {
      const { ids, metadata, end } = await readJson(reader);
      if (end !== undefined) {
        if (end !== count) throw bad(`${count} entries at the end`, String(end));
        return;
      }
      if (
        !Array.isArray(ids) ||
        !Array.isArray(metadata) ||
        ids.length !== metadata.length ||
        ids.length === 0
      ) {
        throw bad("a block of ids and metadata", "something else");
      }
      const vectors = new Float32Array((await reader.take(ids.length * layout.dimension * 4)).buffer);
      yield { ids: ids as string[], metadata: metadata as Metadata[], vectors };
      count += ids.length;
    }
  } finally {
    await reader.close();
  }
}

function jsonBlock(value: unknown): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(value));
  const block = new Uint8Array(4 + json.length);
  new DataView(block.buffer).setUint32(0, json.length, true);
  block.set(json, 4);
  return block;
}

async function readJson(reader: Reader): Promise<Record<string, unknown>> {
  const length = new DataView((await reader.take(4)).buffer).getUint32(0, true);
  const text = new TextDecoder().decode(await reader.take(length));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SearchError("bad-file", "load: expected JSON in a block, got something else", { cause });
  }
  if (typeof value !== "object" || value === null) throw bad("an object in a block", typeof value);
  return value as Record<string, unknown>;
}

/** Takes bytes from pieces of any size. Nothing is allocated for bytes that have not come. */
class Reader {
  readonly #pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #held: Uint8Array[] = [];

  constructor(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#pieces =
      Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  }

  /** @returns so many bytes, in a buffer of their own */
  async take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    let have = this.#held.reduce((sum, piece) => sum + piece.length, 0);
    while (have < length) {
      const { done, value } = await this.#pieces.next();
      if (done === true) throw bad(`${length} bytes more`, `${have}`);
      this.#held.push(value);
      have += value.length;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const piece = this.#held[0]!;
      const part = piece.subarray(0, length - at);
      bytes.set(part, at);
      at += part.length;
      if (part.length === piece.length) this.#held.shift();
      else this.#held[0] = piece.subarray(part.length);
    }
    return bytes;
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}

function bad(expected: string, got: string): SearchError {
  return new SearchError("bad-file", `load: expected ${expected}, got ${got}`);
}
