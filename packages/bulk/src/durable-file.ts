/** Files that appear under their name only when they are whole and on the disk. */
import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Ending of files that are not whole. */
export const PART = ".part";

/**
 * Writes a file under a name of its own, then syncs and renames it. An older file of the name is replaced in one step;
 * after an error nothing is left.
 * @param fill - writes the bytes
 * @param scratch - where the unfinished file lies, on the same file system; default beside the target
 */
export async function writeDurably(
  path: string,
  fill: (file: FileHandle) => Promise<void>,
  scratch: string = dirname(path),
): Promise<void> {
  const temporary = join(scratch, `.${basename(path)}.${randomUUID()}${PART}`);
  const file = await open(temporary, "wx");
  try {
    try {
      await fill(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** So that the new name is on the disk as well. Some systems cannot, and need it less. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r").catch(() => undefined);
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}
