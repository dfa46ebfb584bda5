/** Browsers and their workers: redirects are followed unseen, and the origin's storage is the cache. */
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { BlockStorage } from "../blocks/block-storage.js";
import type { CacheEstimate } from "../options.js";
import type { Platform } from "../platform.js";
import { cacheApiStorage, hasCacheApi, sizesByFolder } from "./cache-api-storage.js";
import { noStorage } from "./no-storage.js";
import { hasOpfs, opfsFolder, opfsStorage, orMissing } from "./opfs-storage.js";
import { storageError } from "./storage-error.js";

/** Folder of the origin's file system, and name of the cache. */
const ROOT = "textower-hub";

export const browserPlatform: Platform = {
  redirects: "followed",
  surroundings: async () => ({ cacheDirectory: ROOT }),
  openCache: async (_, repository) => ({ blocks: openStorage(folderName(repository)) }),
  async estimateCache() {
    try {
      const sizes = hasOpfs() ? await opfsSizes() : hasCacheApi() ? await sizesByFolder(ROOT) : new Map();
      const { quota } = (await navigator.storage?.estimate?.()) ?? {};
      const repositories: CacheEstimate["repositories"] = [...sizes].map(([folder, blockBytes]) => {
        return { repository: folder.replace("--", "/"), fileBytes: 0, blockBytes };
      });
      const bytes = repositories.reduce((sum, { blockBytes }) => sum + blockBytes, 0);
      return { bytes, ...(quota !== undefined && { quota }), repositories };
    } catch (error) {
      throw storageError(error);
    }
  },
  async clearCache(_, repository) {
    try {
      if (repository !== undefined) {
        const folder = folderName(repository);
        if (hasOpfs()) await opfsStorage([ROOT]).remove(folder);
        else if (hasCacheApi()) await cacheApiStorage(ROOT, []).remove(folder);
      } else if (hasOpfs()) await opfsStorage([]).remove(ROOT);
      else if (hasCacheApi()) await caches.delete(ROOT);
    } catch (error) {
      throw storageError(error);
    }
  },
  createHash(algorithm) {
    const hash = (algorithm === "sha1" ? sha1 : sha256).create();
    return {
      update: (bytes) => void hash.update(bytes),
      hex: () => bytesToHex(hash.digest()),
    };
  },
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal!.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, milliseconds);
      signal?.addEventListener("abort", abort, { once: true });
    }),
  random: Math.random,
};

function openStorage(folder: string): BlockStorage {
  if (hasOpfs()) return opfsStorage([ROOT, folder]);
  return hasCacheApi() ? cacheApiStorage(ROOT, [folder]) : noStorage;
}

function folderName(repository: string): string {
  return repository.replace("/", "--");
}

async function opfsSizes(): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const root = await orMissing(() => opfsFolder([ROOT], false));
  if (root === undefined) return sizes;
  for await (const [name, handle] of root.entries()) {
    if (handle.kind === "directory") sizes.set(name, await sizeOf(handle as FileSystemDirectoryHandle));
  }
  return sizes;
}

async function sizeOf(folder: FileSystemDirectoryHandle): Promise<number> {
  let size = 0;
  for await (const handle of folder.values()) {
    size +=
      handle.kind === "directory"
        ? await sizeOf(handle as FileSystemDirectoryHandle)
        : (await (handle as FileSystemFileHandle).getFile()).size;
  }
  return size;
}
