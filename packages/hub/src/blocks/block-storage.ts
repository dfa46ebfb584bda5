/**
 * Named byte strings that outlive the process: parts of files, and records about them. Implemented on a directory, on
 * OPFS and on the Cache API.
 *
 * Not here: what the bytes mean, and whether they are still what was written; `stored-blocks.ts` checks that.
 */

/** Keys are `/`-separated; their parts are safe as file names everywhere. */
export interface BlockStorage {
  /** Bytes `begin` to `end` of an entry, all by default, fewer if it is shorter; undefined if there is none. */
  read(key: string, begin?: number, end?: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Writes an entry whole or not at all. Rejects with HubError `no-space`, `cache-not-writable`, `cache-failed`. */
  write(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Names of the entries in a folder; none if there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Removes an entry or a folder; harmless if there is none. */
  remove(key: string): Promise<void>;
}

/** A text as one part of a key: no slash, no dot at the start, nothing that file systems take amiss. */
export function keyPart(text: string): string {
  const encoded = encodeURIComponent(text).replaceAll(/[.*'()!~]/g, (character) =>
    character === "." ? "." : `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return encoded.startsWith(".") ? `%2E${encoded.slice(1)}` : encoded;
}
