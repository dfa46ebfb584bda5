/** Files that are there whole or not at all: written beside their place and renamed. */
import { randomBytes } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** As the Hub's tools name what is not finished: the name, 8 hexadecimal digits, `.incomplete`. */
export function temporaryName(path: string): string {
  return `${path}.${randomBytes(4).toString("hex")}.incomplete`;
}

/** Rejects with the file system's error; then nothing is left. */
export async function writeAtomically(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    await writeFile(temporary, content, { flag: "wx" });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}
