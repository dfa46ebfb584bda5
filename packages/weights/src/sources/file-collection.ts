/**
 * Files that lie together, wherever that is: a directory, a repository of a hub, dropped files.
 *
 * Not here: how they come to be (`collections.ts`, and the hub's package).
 */
import { ByteSourceError } from "./byte-source.js";
import type { ByteSource } from "./byte-source.js";

/** Files that lie together: a directory, a repository of a hub, dropped files. */
export interface FileCollection {
  /** For messages. */
  readonly name: string;
  /** Paths of the files, `/`-separated, if they can be listed; undefined where only opening can tell. */
  list(signal?: AbortSignal): Promise<readonly string[] | undefined>;
  /** Opens one; the caller closes the source. undefined if there is no such file. Rejects on everything else. */
  open(path: string, signal?: AbortSignal): Promise<ByteSource | undefined>;
}

/** Whether a value given by a user is a collection. */
export function isFileCollection(value: unknown): value is FileCollection {
  if (typeof value !== "object" || value === null) return false;
  const candidate = value as Partial<FileCollection>;
  return typeof candidate.open === "function" && typeof candidate.list === "function";
}

/**
 * Refuses paths that could lead out of a collection: absolute ones, `..`, backslashes, drive letters and other colons,
 * control characters. For all file systems and address schemes alike, so that a file means the same everywhere.
 * @returns the path
 * @throws ByteSourceError `bad-path`
 */
export function checkPath(collection: string, path: string): string {
  const sound =
    !/[\\:\p{Cc}]/u.test(path) &&
    path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
  if (sound) return path;
  const got = JSON.stringify(path.slice(0, 120));
  throw new ByteSourceError("bad-path", `${collection}: expected the path of a file within, got ${got}`);
}
