/** A `Blob` or `File` as a source: only the slices that are asked for are read. */
import { ByteSourceError, guard } from "./byte-source.js";
import type { ByteSource } from "./byte-source.js";

/** @param name - for messages; default the file's name, or "blob" */
export function blobSource(blob: Blob, name?: string): ByteSource {
  const label = name ?? ((blob as { readonly name?: unknown }).name || "blob");
  return guard({
    name: String(label),
    size: blob.size,
    async fill(offset, into, signal) {
      let at = 0;
      try {
        // Streamed, so that a large tensor is not held twice.
        const reader = blob
          .slice(offset, offset + into.length)
          .stream()
          .getReader();
        for (;;) {
          signal?.throwIfAborted();
          const { done, value } = await reader.read();
          if (done) break;
          into.set(value, at);
          at += value.length;
        }
      } catch (cause) {
        signal?.throwIfAborted();
        const range = `${offset}..${offset + into.length}`;
        throw new ByteSourceError("read-failed", `${label}: cannot read bytes ${range}`, { cause });
      }
      if (at !== into.length) {
        throw new ByteSourceError(
          "short-read",
          `${label}: expected ${into.length} bytes at ${offset}, got ${at}`,
        );
      }
    },
  });
}
