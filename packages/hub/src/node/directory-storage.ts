/** `BlockStorage` in a directory. */
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BlockStorage } from "../blocks/block-storage.js";
import { writeAtomically } from "./atomic-write.js";
import { cacheError, orMissing } from "./cache-error.js";

export function directoryStorage(directory: string): BlockStorage {
  const guarded = async <T>(key: string, promise: Promise<T>): Promise<T> => {
    try {
      return await promise;
    } catch (error) {
      throw cacheError(error, join(directory, key));
    }
  };
  return {
    read: (key, begin, end) => guarded(key, orMissing(readPart(join(directory, key), begin, end))),
    write: (key, bytes) => guarded(key, writeAtomically(join(directory, key), bytes)),
    list: async (folder) => (await guarded(folder, orMissing(readdir(join(directory, folder))))) ?? [],
    remove: (key) => guarded(key, rm(join(directory, key), { recursive: true, force: true })),
  };
}

async function readPart(path: string, begin = 0, end = Infinity): Promise<Uint8Array<ArrayBuffer>> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - begin));
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, begin + at);
      if (bytesRead === 0) return bytes.slice(0, at);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}
