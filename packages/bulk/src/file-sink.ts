/** A file as a place for the bytes of vectors. */
import type { FileHandle } from "node:fs/promises";
import type { ByteSink } from "@textower/vector-files";

/** The file stays the caller's. Rejects as the file system does. */
export function fileSink(file: FileHandle): ByteSink {
  const write = async (bytes: Uint8Array, position: number | null): Promise<void> => {
    for (let at = 0; at < bytes.length;) {
      const place = position === null ? null : position + at;
      at += (await file.write(bytes, at, bytes.length - at, place)).bytesWritten;
    }
  };
  return {
    write: (bytes) => write(bytes, null),
    overwriteStart: (bytes) => write(bytes, 0),
  };
}
