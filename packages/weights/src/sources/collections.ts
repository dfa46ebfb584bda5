/** Collections of files: a local directory, a base address, a directory's handle in a browser, a list of `File`s. */
import { blobSource } from "./blob.js";
import { bufferSource } from "./buffer.js";
import { ByteSourceError, HttpError } from "./byte-source.js";
import type { ByteSource } from "./byte-source.js";
import { checkPath } from "./file-collection.js";
import type { FileCollection } from "./file-collection.js";
import { fileSource, fileSystem } from "./file.js";
import { displayName, fetchWhole, httpSource } from "./http.js";
import type { HttpSourceOptions } from "./http.js";

/** A larger config or index than this is none. */
const MAX_JSON_BYTES = 16 * 2 ** 20;

/**
 * The files of a local directory; subdirectories are opened but not listed.
 * @param directory - a path, or a `file:` URL
 */
export function directoryCollection(directory: string | URL): FileCollection {
  const name = String(directory);
  return {
    name,
    async list(signal) {
      const fs = await fileSystem(name);
      signal?.throwIfAborted();
      return fs.readdir(directory);
    },
    async open(path, signal) {
      signal?.throwIfAborted();
      return absentIf(fileSource(join(directory, checkPath(name, path))), ({ code }) => code === "not-found");
    },
  };
}

/**
 * Files below an address, which cannot be listed. A 404 or 410 means that there is no such file. JSON is fetched as a
 * whole, everything else by ranges.
 * @param base - what stands before the last `/` counts; query and fragment are left away
 */
export function urlCollection(base: string | URL, options: HttpSourceOptions = {}): FileCollection {
  const address = new URL(".", base);
  const name = displayName(address);
  return {
    name,
    async list() {
      return undefined;
    },
    async open(path, signal) {
      const encoded = checkPath(name, path).split("/").map(encodeURIComponent).join("/");
      const url = new URL(encoded, address);
      const requests = { ...options, ...(signal && { signal }) };
      const opening = path.endsWith(".json")
        ? fetchWhole(url, MAX_JSON_BYTES, requests).then((bytes) => bufferSource(bytes, displayName(url)))
        : httpSource(url, requests);
      return absentIf(opening, (error) => error instanceof HttpError && [404, 410].includes(error.status!));
    },
  };
}

/** What is used of a `FileSystemDirectoryHandle`; no library of types that every runtime has knows its iterators. */
export interface DirectoryHandle {
  readonly kind: "directory";
  readonly name: string;
  keys(): AsyncIterable<string>;
  getDirectoryHandle(name: string): Promise<DirectoryHandle>;
  getFileHandle(name: string): Promise<{ getFile(): Promise<File> }>;
}

/** Whether a value given by a user is the handle of a directory. */
export function isDirectoryHandle(value: unknown): value is DirectoryHandle {
  if (typeof value !== "object" || value === null) return false;
  const candidate = value as Partial<DirectoryHandle>;
  return candidate.kind === "directory" && typeof candidate.getFileHandle === "function";
}

/** The files behind a `FileSystemDirectoryHandle`, from a picker or a drop; subdirectories are opened but not listed. */
export function handleCollection(handle: DirectoryHandle): FileCollection {
  const { name } = handle;
  return {
    name,
    async list(signal) {
      const names: string[] = [];
      for await (const key of handle.keys()) {
        signal?.throwIfAborted();
        names.push(key);
      }
      return names;
    },
    async open(path, signal) {
      const directories = checkPath(name, path).split("/");
      const file = directories.pop()!;
      try {
        let at = handle;
        for (const directory of directories) at = await at.getDirectoryHandle(directory);
        const blob = await (await at.getFileHandle(file)).getFile();
        signal?.throwIfAborted();
        return blobSource(blob, `${name}/${path}`);
      } catch (cause) {
        signal?.throwIfAborted();
        // As the File System standard names them: nothing there, or a directory where a file was asked for.
        const kind = (cause as { readonly name?: unknown } | null)?.name;
        if (kind === "NotFoundError" || kind === "TypeMismatchError") return undefined;
        throw new ByteSourceError("read-failed", `${name}/${path}: cannot be opened`, { cause });
      }
    },
  };
}

/**
 * Files by their names, or, from `<input webkitdirectory>`, by their paths below the chosen directory.
 * @throws ByteSourceError `bad-path` for two files of one path, or a path that leads elsewhere
 */
export function filesCollection(files: Iterable<File>, name = "files"): FileCollection {
  const byPath = new Map<string, File>();
  for (const file of files) {
    const path = checkPath(name, file.webkitRelativePath?.replace(/^[^/]*\//, "") || file.name);
    if (byPath.has(path)) {
      throw new ByteSourceError("bad-path", `${name}: expected each path once, got ${path} twice`);
    }
    byPath.set(path, file);
  }
  return {
    name,
    async list() {
      return [...byPath.keys()];
    },
    async open(path) {
      const file = byPath.get(checkPath(name, path));
      return file && blobSource(file);
    },
  };
}

async function absentIf(
  opening: Promise<ByteSource>,
  isAbsent: (error: ByteSourceError) => boolean,
): Promise<ByteSource | undefined> {
  return opening.catch((error: unknown) => {
    if (error instanceof ByteSourceError && isAbsent(error)) return undefined;
    throw error;
  });
}

function join(directory: string | URL, path: string): string | URL {
  if (typeof directory === "string") return directory.replace(/[/\\]*$/, "/") + path;
  return new URL(path.split("/").map(encodeURIComponent).join("/"), directory.href.replace(/\/*$/, "/"));
}
