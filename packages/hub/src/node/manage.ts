/** How much a cache holds, and how to empty it. */
import { lstat, readdir, rm } from "node:fs/promises";
import { join, sep } from "node:path";
import type { CacheEstimate } from "../options.js";
import { cacheError, orMissing } from "./cache-error.js";
import { HubLayout, OWN_FOLDER, repositoryOf } from "./hub-layout.js";

export async function estimateDirectory(cacheDirectory: string): Promise<CacheEstimate> {
  const repositories: CacheEstimate["repositories"][number][] = [];
  for (const { repository, layout } of await layoutsIn(cacheDirectory)) {
    let [fileBytes, blockBytes] = [0, 0];
    for (const name of (await orMissing(readdir(layout.folder, { recursive: true }))) ?? []) {
      const found = await orMissing(lstat(join(layout.folder, name))); // a link is not counted twice
      if (found?.isFile() !== true) continue;
      if (name.startsWith(OWN_FOLDER + sep)) blockBytes += found.size;
      else fileBytes += found.size;
    }
    repositories.push({ repository, fileBytes, blockBytes });
  }
  const bytes = repositories.reduce((sum, { fileBytes, blockBytes }) => sum + fileBytes + blockBytes, 0);
  return { bytes, repositories };
}

/** Everything of a repository; without one, what this package alone uses of all of them. */
export async function clearDirectory(cacheDirectory: string, repository: string | undefined): Promise<void> {
  const remove = async (path: string): Promise<void> => {
    try {
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      throw cacheError(error, path);
    }
  };
  if (repository !== undefined) {
    const layout = new HubLayout(cacheDirectory, repository);
    await remove(layout.folder);
    await remove(layout.locks);
    return;
  }
  for (const { layout } of await layoutsIn(cacheDirectory)) await remove(layout.own);
}

async function layoutsIn(cacheDirectory: string): Promise<{ repository: string; layout: HubLayout }[]> {
  const names = (await orMissing(readdir(cacheDirectory))) ?? [];
  return names.toSorted().flatMap((name) => {
    const repository = repositoryOf(name);
    return repository === undefined
      ? []
      : [{ repository, layout: new HubLayout(cacheDirectory, repository) }];
  });
}
