/**
 * Lines of a file or stream, as bytes and as they come: LF or CR LF ends one, and what follows the last end is a line
 * unless it is empty.
 *
 * Not here: decoding.
 */
import type { ByteSource } from "@textower/weights";

/** A line, and where the next one begins. */
export interface Line {
  /** Without its end. A view of what was read, valid until the next line is asked for. */
  readonly bytes: Uint8Array;
  /** Bytes from the beginning to the end of this line, its end included. */
  readonly end: number;
}

/** Options of `splitLines`. */
export interface LineOptions {
  /** Longest line, in bytes: it bounds the memory that input without line ends can take. */
  readonly maxBytes: number;
  /** Makes the error for a longer one, from its number, counted from 1. */
  readonly tooLong: (line: number) => Error;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** @throws what `tooLong` makes, or what the chunks throw; from the iterator */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  { maxBytes, tooLong }: LineOptions,
): AsyncGenerator<Line, void, undefined> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let number = 1;
  let end = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf(LINE_FEED); to !== -1; to = chunk.indexOf(LINE_FEED, from)) {
      const tail = chunk.subarray(from, to);
      if (restBytes + tail.length > maxBytes) throw tooLong(number);
      end += restBytes + tail.length + 1;
      yield { bytes: withoutReturn(restBytes === 0 ? tail : joined([...rest, tail])), end };
      [rest, restBytes, from] = [[], 0, to + 1];
      number++;
    }
    if (from === chunk.length) continue;
    rest.push(chunk.slice(from)); // a copy: the chunk may be filled again
    restBytes += chunk.length - from;
    if (restBytes > maxBytes) throw tooLong(number);
  }
  if (restBytes > 0) yield { bytes: withoutReturn(joined(rest)), end: end + restBytes };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

const CHUNK_BYTES = 2 ** 18;

/**
 * A source from some byte on, as chunks. A chunk is valid until the next one is asked for.
 * @throws what the source rejects with, from the iterator
 */
export async function* chunksOf(
  source: ByteSource,
  {
    begin = 0,
    end = source.size,
    signal,
  }: { begin?: number; end?: number; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(0, end - begin)));
  for (let at = begin; at < end;) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, end - at));
    await source.read(at, chunk, signal);
    at += chunk.length;
    yield chunk;
  }
}
