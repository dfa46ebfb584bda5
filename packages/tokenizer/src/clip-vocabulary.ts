// The built-in vocabulary: OpenAI's 49,408 ids, unpacked from the generated module on first use.

import { bytesInIdOrder } from "./byte-symbols.js";
import { MERGE_COUNT, PACKED_MERGES } from "./generated/merges.js";
import type { Vocabulary } from "./vocabulary.js";

let unpacked: Vocabulary | undefined;

/**
 * The vocabulary of every CLIP model with 49,408 tokens: ids 0–255 the bytes, 256–511 the bytes at the end of a word,
 * 512–49405 the merges, 49406 start of text, 49407 end of text. Unpacked on the first call, then kept.
 */
export function clipVocabulary(): Vocabulary {
  unpacked ??= unpack();
  return unpacked;
}

function unpack(): Vocabulary {
  const packed = atob(PACKED_MERGES); // [4, MERGE_COUNT] bytes
  const left = new Int32Array(MERGE_COUNT);
  const right = new Int32Array(MERGE_COUNT);
  const result = new Int32Array(MERGE_COUNT);
  for (let rank = 0; rank < MERGE_COUNT; rank++) {
    left[rank] = (packed.charCodeAt(rank) << 8) | packed.charCodeAt(MERGE_COUNT + rank);
    right[rank] =
      (packed.charCodeAt(2 * MERGE_COUNT + rank) << 8) | packed.charCodeAt(3 * MERGE_COUNT + rank);
    result[rank] = 512 + rank;
  }
  const size = 512 + MERGE_COUNT + 2;
  return {
    size,
    byteIds: clipByteIds(),
    left,
    right,
    result,
    startOfText: { content: "<|startoftext|>", id: size - 2 },
    endOfText: { content: "<|endoftext|>", id: size - 1 },
    addedTokens: [],
  };
}

/** [512] OpenAI's layout: the bytes in id order, then the same at the end of a word. */
export function clipByteIds(): Int32Array {
  const byteIds = new Int32Array(512);
  for (const [id, byte] of bytesInIdOrder().entries()) {
    byteIds[byte] = id;
    byteIds[256 + byte] = 256 + id;
  }
  return byteIds;
}
