/** Node, Deno and Bun: redirects can be seen, there is a file system, and the environment speaks. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Hash, Platform } from "../platform.js";
import { directoryStorage } from "./directory-storage.js";
import { surroundingsOf, symlinksAllowed } from "./environment.js";
import { hubFileStore } from "./file-store.js";
import { HubLayout } from "./hub-layout.js";
import { clearDirectory, estimateDirectory } from "./manage.js";

export const nodePlatform: Platform = {
  redirects: "visible",
  surroundings: () => surroundingsOf(process.env),
  async openCache(cacheDirectory, repository) {
    const layout = new HubLayout(cacheDirectory, repository);
    return {
      blocks: directoryStorage(layout.own),
      files: hubFileStore({ layout, symlinks: symlinksAllowed(process.env), createHash: hash }),
    };
  },
  estimateCache: estimateDirectory,
  clearCache: clearDirectory,
  createHash: hash,
  async sleep(milliseconds, signal) {
    await sleep(milliseconds, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
  },
  random: Math.random,
};

function hash(algorithm: "sha1" | "sha256"): Hash {
  const hash = createHash(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => hash.digest("hex"),
  };
}
