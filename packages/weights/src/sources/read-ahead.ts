/**
 * A remote source that is told which ranges will be read, and fetches them before they are asked for: neighbours in one
 * request, several requests at once, never more than a bound in memory. Reads that nobody announced go straight through.
 *
 * Not here: a cache. What was announced is held until it was read once.
 */
import type { ByteSource } from "./byte-source.js";

/** Bytes from `begin` to before `end`. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/** A source that takes announcements. */
export interface ReadAheadSource extends ByteSource {
  /** Says that these ranges will be read, once each and about in this order. Forgets what was announced before. */
  announce(ranges: readonly ByteRange[]): void;
}

/** Ranges that lie at most so many bytes apart are fetched together. Bounds what is fetched in vain. */
const GAP_BYTES = 16 * 1024;
/** Most bytes of one request. Small enough for a first tensor to come soon, large enough for a round trip not to count. */
const REQUEST_BYTES = 4 * 2 ** 20;
/** Announced ranges are put in the file's order within windows of so many bytes: a block of a tower, at most. */
const WINDOW_BYTES = 16 * 2 ** 20;
/** Requests in flight at once; browsers allow 6 to a host. */
const PARALLEL_REQUESTS = 4;
/** Most bytes that are held or on their way. */
const HELD_BYTES = 24 * 2 ** 20;
/** Chunks behind the one that is read now that are kept although they were read in part: a block's, out of order. */
const KEPT_BEHIND = 4;

/** A request, planned or under way. */
interface Chunk extends ByteRange {
  /** Bytes of it that were announced, and how many of them were not read yet. */
  readonly announced: number;
  unread: number;
  fetched?: { readonly bytes: Uint8Array; readonly arrival: Promise<void> };
}

/** @param source - closed with the result */
export function readAheadSource(source: ByteSource): ReadAheadSource {
  /** What was announced and not read yet. */
  let plan: Chunk[] = [];
  let inFlight = 0;
  let abort = new AbortController();

  const fetch = (chunk: Chunk): Promise<void> => {
    const bytes = new Uint8Array(chunk.end - chunk.begin);
    const { signal } = abort;
    inFlight++;
    const arrival = source.read(chunk.begin, bytes, signal).finally(() => {
      inFlight--;
      if (!signal.aborted) fill();
    });
    arrival.catch(() => {}); // who reads it sees the failure, and it may be that nobody does
    chunk.fetched = { bytes, arrival };
    return arrival;
  };

  /** Starts what the bounds allow, in order. */
  const fill = (): void => {
    let room = HELD_BYTES - plan.reduce((sum, { fetched }) => sum + (fetched?.bytes.length ?? 0), 0);
    for (const chunk of plan) {
      if (inFlight >= PARALLEL_REQUESTS) return;
      if (chunk.fetched !== undefined) continue;
      room -= chunk.end - chunk.begin;
      if (room < 0) return;
      void fetch(chunk);
    }
  };

  const drop = (chunk: Chunk): void => {
    plan = plan.filter((each) => each !== chunk);
  };

  /** Lets go of what lies before a chunk that is read now, and was read in part: nobody came back for the rest. */
  const dropBefore = (chunk: Chunk): void => {
    const at = plan.indexOf(chunk);
    plan = plan.filter((each, i) => i >= at - KEPT_BEHIND || each.unread === each.announced);
  };

  return {
    name: source.name,
    size: source.size,
    isRemote: true,
    announce(ranges) {
      abort.abort();
      abort = new AbortController();
      plan = planChunks(ranges);
    },
    async read(offset, into, signal) {
      const chunks = covering(plan, offset, offset + into.length);
      if (chunks === undefined) return source.read(offset, into, signal);
      signal?.throwIfAborted();
      const arrivals = chunks.map((chunk) => chunk.fetched?.arrival ?? fetch(chunk));
      fill();
      for (const [i, chunk] of chunks.entries()) {
        try {
          await abortable(arrivals[i]!, signal);
        } catch (error) {
          if (signal?.aborted !== true) drop(chunk);
          throw error;
        }
        const begin = Math.max(chunk.begin, offset);
        const end = Math.min(chunk.end, offset + into.length);
        into.set(chunk.fetched!.bytes.subarray(begin - chunk.begin, end - chunk.begin), begin - offset);
        chunk.unread -= end - begin;
        dropBefore(chunk);
        if (chunk.unread <= 0) drop(chunk);
      }
      fill();
    },
    close() {
      abort.abort();
      plan = [];
      return source.close();
    },
  };
}

/** Chunks that hold all of a range together, in the file's order; undefined if they do not. */
function covering(plan: readonly Chunk[], begin: number, end: number): Chunk[] | undefined {
  const chunks = plan
    .filter((chunk) => chunk.begin < end && chunk.end > begin)
    .toSorted((a, b) => a.begin - b.begin);
  let at = begin;
  for (const chunk of chunks) {
    if (chunk.begin > at) return undefined;
    at = Math.max(at, chunk.end);
  }
  return at >= end && chunks.length > 0 ? chunks : undefined;
}

/** Requests for these ranges: in their order window by window, and in the file's order within each. */
export function planChunks(ranges: readonly ByteRange[]): Chunk[] {
  const chunks: Chunk[] = [];
  let window: ByteRange[] = [];
  let bytes = 0;
  const flush = (): void => {
    const merged: { begin: number; end: number; bytes: number }[] = [];
    for (const { begin, end } of window.sort((a, b) => a.begin - b.begin)) {
      const last = merged.at(-1);
      if (last !== undefined && begin - last.end <= GAP_BYTES && end - last.begin <= REQUEST_BYTES) {
        last.bytes += Math.max(0, end - Math.max(begin, last.end));
        last.end = Math.max(last.end, end);
      } else merged.push({ begin, end, bytes: end - begin });
    }
    for (const { begin, end, bytes } of merged) chunks.push({ begin, end, announced: bytes, unread: bytes });
    window = [];
    bytes = 0;
  };
  for (const range of ranges) {
    const length = range.end - range.begin;
    if (length === 0) continue;
    if (bytes > 0 && bytes + length > WINDOW_BYTES) flush();
    // A tensor larger than a request is fetched in several, all of which have to be there before it is.
    for (let begin = range.begin; begin < range.end; begin += REQUEST_BYTES) {
      window.push({ begin, end: Math.min(range.end, begin + REQUEST_BYTES) });
    }
    bytes += length;
  }
  flush();
  return chunks;
}

/** A promise that gives up waiting when the signal does. */
function abortable(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
