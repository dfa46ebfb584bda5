/**
 * Where things lie in the Hub's cache, which its Python tools share (huggingface_hub, "Understand caching"):
 *
 *     models--owner--name/blobs/<etag>                  content
 *     models--owner--name/snapshots/<commit>/<path>     relative symlink to the blob, or a copy
 *     models--owner--name/refs/<revision>               commit that a branch or tag stood for
 *     models--owner--name/.textower/…                   parts of files: this package's own
 *     .locks/models--owner--name/<etag>.lock
 */
import { constants } from "node:fs";
import { copyFile, mkdir, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { FileAddress } from "../platform.js";
import { isCommit } from "../reference.js";
import { temporaryName, writeAtomically } from "./atomic-write.js";
import { errnoOf, orMissing } from "./cache-error.js";

/** Folder of a repository's name, and back. */
const PREFIX = "models--";

/** Name of the folder in which this package keeps parts of files. */
export const OWN_FOLDER = ".textower";

/** Paths of one repository. */
export class HubLayout {
  readonly folder: string;
  readonly #locks: string;

  constructor(cacheDirectory: string, repository: string) {
    const name = folderName(repository);
    this.folder = join(cacheDirectory, name);
    this.#locks = join(cacheDirectory, ".locks", name);
  }

  get own(): string {
    return join(this.folder, OWN_FOLDER);
  }

  get locks(): string {
    return this.#locks;
  }

  blob(etag: string): string {
    return join(this.folder, "blobs", etag);
  }

  lock(etag: string): string {
    return join(this.#locks, `${etag}.lock`);
  }

  snapshot(commit: string): string {
    return join(this.folder, "snapshots", commit);
  }

  file({ commit, path }: FileAddress): string {
    return join(this.snapshot(commit), ...path.split("/"));
  }

  #ref(revision: string): string {
    return join(this.folder, "refs", ...revision.split("/"));
  }

  async readRef(revision: string): Promise<string | undefined> {
    const commit = (await orMissing(readFile(this.#ref(revision), "utf8")))?.trim();
    return isCommit(commit) ? commit : undefined;
  }

  /** A commit has no ref, as in the Hub's own tools. */
  async writeRef(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.readRef(revision)) === commit) return;
    await writeAtomically(this.#ref(revision), commit);
  }

  /** Makes a blob appear in a snapshot. */
  async link(address: FileAddress, etag: string, symlinks: boolean): Promise<void> {
    const path = this.file(address);
    const blob = this.blob(etag);
    await mkdir(dirname(path), { recursive: true });
    const target = relative(dirname(path), blob);
    if (symlinks) {
      if ((await readlink(path).catch(() => undefined)) === target) return;
      const temporary = temporaryName(path);
      try {
        await symlink(target, temporary);
        await rename(temporary, path); // over whatever is there: a link to another blob, or to none
        return;
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => {});
        // Windows grants links to few, and some file systems have none.
        if (!["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL"].includes(errnoOf(error) ?? ""))
          throw error;
      }
    }
    const temporary = temporaryName(path);
    try {
      await copyFile(blob, temporary, constants.COPYFILE_FICLONE);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }
}

export function folderName(repository: string): string {
  return PREFIX + repository.replace("/", "--");
}

/** The repository whose folder has this name, if it is one. */
export function repositoryOf(folder: string): string | undefined {
  const parts = folder.startsWith(PREFIX) ? folder.slice(PREFIX.length).split("--") : [];
  return parts.length === 2 ? parts.join("/") : undefined;
}
