// OpenAI's bpe_simple_vocab_16e6.txt.gz → vocabulary. Ids are not in that file: they follow from the order of the merges.

import { END_OF_WORD, symbolsByByte } from "../byte-symbols.js";
import { clipByteIds } from "../clip-vocabulary.js";
import { VocabularyError } from "../errors.js";
import type { Vocabulary } from "../vocabulary.js";
import { parseMerges, resolveMerges } from "./merges.js";

/** Merges that CLIP uses of the file's 262,144: openai/CLIP, clip/simple_tokenizer.py, 49152 − 256 − 2. */
const CLIP_MERGES = 48_894;

/** The whole file is 3.2 MB of text; more than this is no vocabulary but a decompression bomb. */
const MOST_BYTES = 64 * 2 ** 20;

/** Options of `vocabularyFromOpenAI`. */
export interface OpenAIVocabularyOptions {
  /** How many merges to take. Default 48,894, CLIP's. */
  readonly merges?: number;
}

/**
 * Reads OpenAI's merges file: a comment line, then one merge a line.
 *
 * @param bytes - the file as it is, gzip, or already unpacked (as a server with Content-Encoding may deliver it)
 * @throws VocabularyError if it is damaged or holds fewer merges
 */
export async function vocabularyFromOpenAI(
  bytes: Uint8Array | ArrayBuffer,
  options: OpenAIVocabularyOptions = {},
): Promise<Vocabulary> {
  const file = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  const packed = file[0] === 0x1f && file[1] === 0x8b;
  const text = decodeUtf8(packed ? await gunzip(file) : file);
  const wanted = options.merges ?? CLIP_MERGES;
  const lines = text.split("\n").slice(1, wanted + 1);
  if (lines.at(-1) === "") lines.pop();
  if (lines.length < wanted) {
    throw new VocabularyError(`vocabularyFromOpenAI: expected ${wanted} merges, got ${lines.length}`);
  }

  const byteIds = clipByteIds();
  const ids = new Map<string, number>();
  for (const [byte, symbol] of symbolsByByte().entries()) {
    ids.set(symbol, byteIds[byte]);
    ids.set(symbol + END_OF_WORD, byteIds[256 + byte]);
  }
  const pairs = parseMerges(lines, "vocabularyFromOpenAI");
  for (const [rank, [left, right]] of pairs.entries()) ids.set(left + right, 512 + rank);
  const size = 512 + wanted + 2;
  return {
    size,
    byteIds,
    ...resolveMerges(pairs, ids, "vocabularyFromOpenAI"),
    startOfText: { content: "<|startoftext|>", id: size - 2 },
    endOfText: { content: "<|endoftext|>", id: size - 1 },
    addedTokens: [],
  };
}

async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const unpacked = new Blob([Uint8Array.from(bytes)]).stream().pipeThrough(new DecompressionStream("gzip"));
    const reader = unpacked.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      length += value.length;
      if (length > MOST_BYTES) {
        await reader.cancel();
        break;
      }
    }
  } catch (cause) {
    throw new VocabularyError("vocabularyFromOpenAI: expected a gzip file, got one that does not unpack", {
      cause,
    });
  }
  if (length > MOST_BYTES) {
    throw new VocabularyError(
      `vocabularyFromOpenAI: expected at most ${MOST_BYTES} bytes unpacked, got more`,
    );
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new VocabularyError("vocabularyFromOpenAI: expected UTF-8 text, got other bytes", { cause });
  }
}
