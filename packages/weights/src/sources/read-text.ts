/** Reads a small text file of a collection: a config, an index. */
import { ByteSourceError } from "./byte-source.js";
import type { FileCollection } from "./file-collection.js";

/**
 * @returns undefined if there is no such file
 * Rejects with ByteSourceError `too-large` before anything is read, or as the collection does.
 */
export async function readText(
  collection: FileCollection,
  path: string,
  mostBytes: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const source = await collection.open(path, signal);
  if (source === undefined) return undefined;
  try {
    if (source.size > mostBytes) {
      const message = `${source.name}: expected at most ${mostBytes} bytes, got ${source.size}`;
      throw new ByteSourceError("too-large", message);
    }
    const bytes = new Uint8Array(source.size);
    await source.read(0, bytes, signal);
    return new TextDecoder().decode(bytes);
  } finally {
    await source.close();
  }
}
