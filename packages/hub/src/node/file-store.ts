/** Whole files in the Hub's cache layout. */
import { mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { fileSource } from "@textower/weights";
import type { ByteSource } from "@textower/weights";
import type { FileFacts } from "../http/remote-file.js";
import type { FileAddress, FileStore, Hash } from "../platform.js";
import { writeAtomically } from "./atomic-write.js";
import { cacheError, orMissing } from "./cache-error.js";
import { downloadBlob } from "./download.js";
import type { HubLayout } from "./hub-layout.js";
import { takeLock } from "./lock.js";

/** What a store is made of. */
export interface FileStoreOptions {
  readonly layout: HubLayout;
  /** Whether snapshots may be symlinks (`HF_HUB_DISABLE_SYMLINKS`). */
  readonly symlinks: boolean;
  readonly createHash: (algorithm: "sha1" | "sha256") => Hash;
}

export function hubFileStore({ layout, symlinks, createHash }: FileStoreOptions): FileStore {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw cacheError(error, layout.folder);
    }
  };

  const openFile = async (address: FileAddress): Promise<ByteSource | undefined> => {
    const path = layout.file(address);
    const found = await orMissing(stat(path));
    return found?.isFile() === true ? fileSource(path) : undefined;
  };

  /** Makes a blob that is there a file of a snapshot, and opens that. */
  const commit = async (address: FileAddress, revision: string, etag: string): Promise<ByteSource> => {
    await layout.link(address, etag, symlinks);
    await layout.writeRef(revision, address.commit);
    return fileSource(layout.file(address));
  };

  const hasBlob = async ({ etag, size }: FileFacts): Promise<boolean> => {
    const found = await orMissing(stat(layout.blob(etag)));
    return found?.size === size;
  };

  return {
    commitOf: (revision) => guarded(() => layout.readRef(revision)),

    list: (commit) =>
      guarded(async () => {
        const folder = layout.snapshot(commit);
        const names = (await orMissing(readdir(folder, { recursive: true }))) ?? [];
        const found = await Promise.all(names.map((name) => orMissing(stat(join(folder, name)))));
        return names
          .filter((name, i) => found[i]?.isFile() === true && !name.endsWith(".incomplete"))
          .map((name) => name.replaceAll(sep, "/"));
      }),

    open: (address) => guarded(() => openFile(address)),

    put: (address, revision, facts, bytes) =>
      guarded(async () => {
        if (!(await hasBlob(facts))) await writeAtomically(layout.blob(facts.etag), bytes);
        await (await commit(address, revision, facts.etag)).close();
      }),

    download: (address, revision, remote, progress, signal) =>
      guarded(async () => {
        const { facts } = remote;
        if (await hasBlob(facts)) return commit(address, revision, facts.etag);
        const blob = layout.blob(facts.etag);
        await mkdir(dirname(blob), { recursive: true });
        const lock = await takeLock(layout.lock(facts.etag), signal);
        try {
          // Another process may have brought it while this one waited.
          if (!(await hasBlob(facts))) {
            await downloadBlob({ blob, remote, exclusive: lock.held, createHash, progress, signal });
          }
          return await commit(address, revision, facts.etag);
        } finally {
          await lock.release();
        }
      }),
  };
}
