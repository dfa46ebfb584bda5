/**
 * What `EmbeddingIndex.save` writes: blocks of entries one after another, so that neither side needs more than a block
 * in memory, and an end, so that half a file is known for one.
 *
 *   file     "textower.index.1", block { dimension, checkpoint }, entries, block { end: number of entries }
 *   entries  block { ids, metadata }, then float32 [ids, dimension], little-endian, vectors of length 1
 */
import { BlockReader, jsonBlock } from "./blocks.js";
import type { EntryBatch, IndexLayout, Metadata } from "./engine.js";
import { checkLayout } from "./layout.js";

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

/** Rejects with SearchError `bad-file`, `width` or `checkpoint`. Ids and metadata are as the file has them, unchecked. */
export async function* readDump(
  layout: IndexLayout,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<EntryBatch> {
  const reader = new BlockReader("load", pieces);
  try {
    await reader.magic(MAGIC);
    checkLayout("load", layout, await reader.json());
    let count = 0;
    for (;;) {
      const { ids, metadata, end } = await reader.json();
      if (end !== undefined) {
        if (end !== count) throw reader.bad(`an end after ${count} entries`, `one after ${String(end)}`);
        return;
      }
      if (
        !Array.isArray(ids) ||
        !Array.isArray(metadata) ||
        ids.length !== metadata.length ||
        ids.length === 0
      ) {
        throw reader.bad("a block of ids and metadata", "something else");
      }
      const vectors = new Float32Array((await reader.take(ids.length * layout.dimension * 4)).buffer);
      yield { ids: ids as string[], metadata: metadata as Metadata[], vectors };
      count += ids.length;
    }
  } finally {
    await reader.close();
  }
}
