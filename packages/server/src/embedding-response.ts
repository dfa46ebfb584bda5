/**
 * The answer to `POST /v1/embeddings`. One of many vectors is written as it is read, so that neither the event loop nor
 * memory has all of its text at once.
 */
import { endianness } from "node:os";
import { Readable } from "node:stream";
import type { BatchedEncodeResult } from "./batching.js";
import { jsonNumbers } from "./json-numbers.js";

/** Characters of one piece; a short answer is one piece. */
const PIECE = 64 * 1024;

/** @returns text, or a stream of it */
export function embeddingResponse(
  { embeddings, prompts }: BatchedEncodeResult,
  encoding: "float" | "base64",
  model: string,
): string | Readable {
  const tokens = prompts.reduce((sum, prompt) => sum + prompt.tokens, 0);
  const pieces = piecesOf(embeddings, encoding, model, tokens);
  const first = pieces.next().value!;
  const second = pieces.next().value;
  if (second === undefined) return first;
  return Readable.from(
    (function* () {
      yield first;
      yield second;
      yield* pieces;
    })(),
    { objectMode: false },
  );
}

function* piecesOf(
  embeddings: readonly Float32Array[],
  encoding: "float" | "base64",
  model: string,
  tokens: number,
): Generator<string, undefined, undefined> {
  let piece = '{"object":"list","data":[';
  for (const [index, embedding] of embeddings.entries()) {
    if (piece.length >= PIECE) {
      yield piece;
      piece = "";
    }
    const numbers = encoding === "base64" ? `"${base64(embedding)}"` : `[${jsonNumbers(embedding)}]`;
    piece += `${index === 0 ? "" : ","}{"object":"embedding","index":${index},"embedding":${numbers}}`;
  }
  const usage = `{"prompt_tokens":${tokens},"total_tokens":${tokens}}`;
  yield `${piece}],"model":${JSON.stringify(model)},"usage":${usage}}`;
}

/** Little-endian float32, as OpenAI's API has it. */
export function base64(vector: Float32Array): string {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  return (endianness() === "LE" ? bytes : Buffer.from(bytes).swap32()).toString("base64");
}
