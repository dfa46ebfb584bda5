/** A file that is made piece by piece, and appears under its name when it is complete. */
import { open, rename, rm } from "node:fs/promises";
import type { Progress } from "../progress.js";

/** Rejects with what the pieces reject with, or the file system; nothing is left behind then. */
export async function writePieces(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  byteLength: number,
  progress: Progress,
): Promise<void> {
  const temporary = `${path}.${process.pid}.incomplete`;
  try {
    const file = await open(temporary, "w");
    try {
      let written = 0;
      for await (const piece of pieces) {
        await file.writeFile(piece);
        progress.show("bytes", (written += piece.length), byteLength);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
