/** `BlockStorage` in the origin private file system. Writes take effect when they are closed: whole or not at all. */
import type { BlockStorage } from "../blocks/block-storage.js";
import { storageError } from "./storage-error.js";

/** Whether this browser has it, with files that can be written in pages as well as in workers. */
export function hasOpfs(): boolean {
  return (
    typeof navigator === "object" &&
    typeof navigator.storage?.getDirectory === "function" &&
    typeof FileSystemFileHandle === "function" &&
    "createWritable" in FileSystemFileHandle.prototype
  );
}

/** @param path - folders below the root of the origin's file system */
export function opfsStorage(path: readonly string[]): BlockStorage {
  /** The folder of a key and its last part. */
  const locate = async (key: string, create: boolean): Promise<[FileSystemDirectoryHandle, string]> => {
    const parts = [...path, ...key.split("/")];
    const name = parts.pop()!;
    return [await opfsFolder(parts, create), name];
  };
  return {
    read: (key, begin, end) =>
      orMissing(async () => {
        const [folder, name] = await locate(key, false);
        const file = await (await folder.getFileHandle(name)).getFile();
        return new Uint8Array(await file.slice(begin, end).arrayBuffer());
      }),
    async write(key, bytes) {
      try {
        const [folder, name] = await locate(key, true);
        const writable = await (await folder.getFileHandle(name, { create: true })).createWritable();
        try {
          await writable.write(bytes);
          await writable.close();
        } catch (error) {
          await writable.abort().catch(() => {});
          await folder.removeEntry(name).catch(() => {}); // it was made empty before it could be written
          throw error;
        }
      } catch (error) {
        throw storageError(error);
      }
    },
    async list(folder) {
      const names = await orMissing(async () => {
        const names: string[] = [];
        const handle = await opfsFolder([...path, ...folder.split("/")], false);
        for await (const name of handle.keys()) names.push(name);
        return names;
      });
      return names ?? [];
    },
    async remove(key) {
      await orMissing(async () => {
        const [folder, name] = await locate(key, false);
        await folder.removeEntry(name, { recursive: true });
      });
    },
  };
}

/** A folder below the root. Rejects with NotFoundError where there is none. */
export async function opfsFolder(
  parts: readonly string[],
  create: boolean,
): Promise<FileSystemDirectoryHandle> {
  let folder = await navigator.storage.getDirectory();
  for (const part of parts) folder = await folder.getDirectoryHandle(part, { create });
  return folder;
}

/** Undefined in place of an error that says that there is no such entry. */
export async function orMissing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotFoundError") return undefined;
    throw storageError(error);
  }
}
