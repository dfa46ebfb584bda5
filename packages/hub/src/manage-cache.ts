/** `estimateCache` and `clearCache` on a platform. */
import { HubError } from "./errors.js";
import type { CacheEstimate, HubConnectionOptions } from "./options.js";
import type { Platform } from "./platform.js";
import { quote, readReference } from "./reference.js";

/** Where the cache lies; as in `HubConnectionOptions`. */
export type CacheOptions = Pick<HubConnectionOptions, "cacheDirectory">;

/** What to clear. */
export interface ClearCacheOptions extends CacheOptions {
  /** `owner/name`; as a collection says of itself. */
  readonly repository?: string;
}

export async function estimateCacheOn(platform: Platform, options: CacheOptions): Promise<CacheEstimate> {
  return platform.estimateCache(await directoryOf(platform, options));
}

export async function clearCacheOn(platform: Platform, options: ClearCacheOptions): Promise<void> {
  const { repository } = options;
  if (repository !== undefined && readReference(repository)?.repository !== repository) {
    throw new HubError("bad-name", `clearCache: expected owner/name, got ${quote(repository)}`);
  }
  await platform.clearCache(await directoryOf(platform, options), repository);
}

async function directoryOf(platform: Platform, { cacheDirectory }: CacheOptions): Promise<string> {
  return cacheDirectory ?? (await platform.surroundings()).cacheDirectory;
}
