/** `textower cache`: what the cache of the Hub holds, and how to be rid of it. */
import { clearCache, estimateCache } from "@textower/hub";
import type { CacheOptions } from "@textower/hub";
import { flush, write } from "../io.js";
import type { Io } from "../io.js";
import type { HubFlags } from "../options.js";
import { bytesInWords } from "../output/bytes.js";
import { jsonLine } from "../output/jsonl.js";
import { table } from "../output/table.js";

/** Which cache. */
export type CacheFlags = Pick<HubFlags, "cacheDir">;

/** Options of `cache list`. */
export interface ListCacheOptions extends CacheFlags {
  readonly format: "table" | "jsonl";
}

/** Runs `cache list`. Rejects with HubError. */
export async function listCache(options: ListCacheOptions, io: Io): Promise<void> {
  const { bytes, repositories } = await estimateCache(cacheOptions(options));
  const rows = repositories.map(({ repository, fileBytes, blockBytes }) => [
    repository,
    bytesInWords(fileBytes),
    bytesInWords(blockBytes),
  ]);
  const text =
    rows.length === 0
      ? "nothing\n"
      : `${table([["repository", "files", "parts of files"], ...rows])}\n${bytesInWords(bytes)} in all\n`;
  await write(io.stdout, options.format === "jsonl" ? repositories.map(jsonLine).join("") : text);
  await flush(io.stdout);
}

/** Runs `cache clear`. Rejects with HubError. */
export async function clear(repository: string | undefined, flags: CacheFlags): Promise<void> {
  await clearCache({ ...cacheOptions(flags), ...(repository !== undefined && { repository }) });
}

function cacheOptions({ cacheDir }: CacheFlags): CacheOptions {
  return cacheDir === undefined ? {} : { cacheDirectory: cacheDir };
}
