/**
 * @textower/hub in browsers and their workers, and wherever there is no file system. Importing does nothing. The
 * functions and types are those of `index.ts`, which says what they do.
 */
import { browserPlatform } from "./browser/platform.js";
import { clearCacheOn, estimateCacheOn } from "./manage-cache.js";
import type { CacheOptions, ClearCacheOptions } from "./manage-cache.js";
import { openHubOn } from "./open-hub.js";
import type { HubCollection } from "./open-hub.js";
import type { CacheEstimate, HubOptions } from "./options.js";

export function openHub(name: string, options?: HubOptions): Promise<HubCollection> {
  return openHubOn(browserPlatform, name, options);
}

export function estimateCache(options: CacheOptions = {}): Promise<CacheEstimate> {
  return estimateCacheOn(browserPlatform, options);
}

export function clearCache(options: ClearCacheOptions = {}): Promise<void> {
  return clearCacheOn(browserPlatform, options);
}

export { findKnownModel, isHubName, knownModels } from "./known-models.js";
export { parseReference } from "./reference.js";
export { HubError } from "./errors.js";
