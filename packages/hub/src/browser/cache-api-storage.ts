/** `BlockStorage` in the Cache API, for browsers whose file system pages cannot write. */
import type { BlockStorage } from "../blocks/block-storage.js";
import { storageError } from "./storage-error.js";

/** The Cache API wants addresses; this one is reserved never to exist (RFC 6761). */
const BASE = "https://textower.invalid/";

/** Whether there is one: only in secure contexts. */
export function hasCacheApi(): boolean {
  return typeof caches === "object";
}

/** @param path - what all keys begin with */
export function cacheApiStorage(cacheName: string, path: readonly string[]): BlockStorage {
  const guarded = async <T>(work: (cache: Cache) => Promise<T>): Promise<T> => {
    try {
      return await work(await caches.open(cacheName));
    } catch (error) {
      throw storageError(error);
    }
  };
  // Parts of keys may hold %, which an address would not keep apart from its own escapes.
  const address = (key: string): string => BASE + encodeURIComponent([...path, key].join("/"));
  const keysBelow = async (cache: Cache, prefix: string): Promise<string[]> =>
    (await cache.keys()).map(({ url }) => url).filter((url) => url.startsWith(prefix));
  return {
    read: (key, begin, end) =>
      guarded(async (cache) => {
        const blob = await (await cache.match(address(key)))?.blob();
        return blob && new Uint8Array(await blob.slice(begin, end).arrayBuffer());
      }),
    write: (key, bytes) => guarded((cache) => cache.put(address(key), new Response(bytes))),
    list: (name) =>
      guarded(async (cache) => {
        const prefix = `${address(name)}%2F`;
        return (await keysBelow(cache, prefix)).map((url) => decodeURIComponent(url.slice(prefix.length)));
      }),
    remove: (key) =>
      guarded(async (cache) => {
        const entries = await keysBelow(cache, `${address(key)}%2F`);
        await Promise.all([address(key), ...entries].map((url) => cache.delete(url)));
      }),
  };
}

/** Sizes of the entries by the first part of their keys. */
export async function sizesByFolder(cacheName: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const cache = await caches.open(cacheName);
  for (const request of await cache.keys()) {
    const folder = decodeURIComponent(request.url.slice(BASE.length)).split("/")[0]!;
    const size = (await (await cache.match(request))?.blob())?.size ?? 0;
    sizes.set(folder, (sizes.get(folder) ?? 0) + size);
  }
  return sizes;
}
