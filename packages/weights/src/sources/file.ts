/**
 * Files of the local file system, where the runtime has `node:fs/promises` (Node, Deno, Bun). It is imported when the
 * first file is opened, by a name that bundlers cannot follow, so that the package bundles for browsers.
 */
import { ByteSourceError, guard } from "./byte-source.js";
import type { ByteSource } from "./byte-source.js";

/** Most bytes of one `read` call: `fs` refuses 2 GiB and more. */
const CHUNK_BYTES = 2 ** 30;

/** What is used of `node:fs/promises`, so that the package's types do not need those of Node. */
interface FileSystem {
  open(path: string | URL, flags: "r"): Promise<FileHandle>;
  stat(path: string | URL): Promise<{ isDirectory(): boolean }>;
  readdir(path: string | URL): Promise<string[]>;
}

interface FileHandle {
  stat(): Promise<{ readonly size: number; isFile(): boolean }>;
  read(into: Uint8Array, at: number, length: number, offset: number): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

/**
 * The runtime's `node:fs/promises`.
 * @throws ByteSourceError `no-file-system` where there is none, as in browsers
 */
export async function fileSystem(path: string): Promise<FileSystem> {
  const specifier = "node:fs/promises";
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)) as FileSystem;
  } catch (cause) {
    throw new ByteSourceError(
      "no-file-system",
      `${path}: no file system here; pass a Blob, an ArrayBuffer or a URL (new URL(path, location.href))`,
      { cause },
    );
  }
}

/**
 * Opens a file for random access; it is never read as a whole.
 * @param path - a path, or a `file:` URL
 * Rejects with ByteSourceError `not-found`, `not-a-file`, `no-file-system` or `read-failed`.
 */
export async function fileSource(path: string | URL): Promise<ByteSource> {
  const name = String(path);
  const fs = await fileSystem(name);
  const handle = await fs.open(path, "r").catch((cause: unknown) => {
    throw fileError(name, cause);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new ByteSourceError("not-a-file", `${name}: expected a file`);
    return guard({
      name,
      size: stats.size,
      async fill(offset, into, signal) {
        for (let at = 0; at < into.length;) {
          signal?.throwIfAborted();
          const length = Math.min(into.length - at, CHUNK_BYTES);
          const { bytesRead } = await handle.read(into, at, length, offset + at).catch((cause: unknown) => {
            throw fileError(name, cause);
          });
          if (bytesRead === 0) {
            const message = `${name}: expected ${into.length} bytes at ${offset}, got ${at}`;
            throw new ByteSourceError("short-read", message);
          }
          at += bytesRead;
        }
      },
      release: () => handle.close(),
    });
  } catch (error) {
    await handle.close();
    throw error instanceof ByteSourceError ? error : fileError(name, error);
  }
}

function fileError(name: string, cause: unknown): ByteSourceError {
  const code = (cause as { readonly code?: unknown } | null)?.code;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new ByteSourceError("not-found", `${name}: no such file`, { cause });
  }
  if (code === "EISDIR") {
    return new ByteSourceError("not-a-file", `${name}: expected a file, got a directory`, { cause });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ByteSourceError("read-failed", `${name}: ${reason}`, { cause });
}
