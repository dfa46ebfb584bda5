/**
 * @textower/hub: brings CLIP checkpoints from the Hugging Face Hub. Importing does nothing. This is the entry for Node,
 * Deno and Bun; bundlers for browsers take `browser.ts`, which exports the same.
 */
import { clearCacheOn, estimateCacheOn } from "./manage-cache.js";
import type { CacheOptions, ClearCacheOptions } from "./manage-cache.js";
import { nodePlatform } from "./node/platform.js";
import { openHubOn } from "./open-hub.js";
import type { HubCollection } from "./open-hub.js";
import type { CacheEstimate, HubOptions } from "./options.js";

/**
 * Opens a repository at a revision, or one of `knownModels`.
 *
 * @param name - `owner/name`, `owner/name@revision` (branch, tag, commit, `refs/pr/1`), or OpenAI's names (`ViT-B/32`)
 *
 * Rejects with HubError, or the signal's reason. So do `open` and `read` of what it gives, or with ByteSourceError:
 * ranges outside the file, reads after `close()`, files of the cache that cannot be read.
 * @example
 * const files = await openHub("openai/clip-vit-base-patch32");
 * const source = await files.open("model.safetensors"); // a ByteSource, for openCheckpoint
 */
export function openHub(name: string, options?: HubOptions): Promise<HubCollection> {
  return openHubOn(nodePlatform, name, options);
}

/** How much the cache holds. Rejects with HubError. */
export function estimateCache(options: CacheOptions = {}): Promise<CacheEstimate> {
  return estimateCacheOn(nodePlatform, options);
}

/**
 * Removes a repository from the cache, whole files included, which in Node other tools may share. Without a repository:
 * what only this package uses, of all of them. Not to be called while files of it are open. Rejects with HubError.
 */
export function clearCache(options: ClearCacheOptions = {}): Promise<void> {
  return clearCacheOn(nodePlatform, options);
}

export type { CacheOptions, ClearCacheOptions } from "./manage-cache.js";
export type { HubCollection } from "./open-hub.js";
export type { CacheEstimate, HubConnectionOptions, HubOptions } from "./options.js";
export type { HubProgress } from "./progress.js";
export { findKnownModel, isHubName, knownModels } from "./known-models.js";
export type { KnownArchive, KnownModel } from "./known-models.js";
export { parseReference } from "./reference.js";
export type { HubReference } from "./reference.js";
export { HubError } from "./errors.js";
export type { HubErrorCode } from "./errors.js";
