/** Bytes in memory as a source. */
import { guard } from "./byte-source.js";
import type { ByteSource } from "./byte-source.js";

/**
 * @param bytes - not copied: leave it as it is while the source is in use
 * @param name - for messages
 */
export function bufferSource(
  bytes: ArrayBuffer | SharedArrayBuffer | Uint8Array,
  name = "buffer",
): ByteSource {
  let view: Uint8Array | undefined = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  return guard({
    name,
    size: view.length,
    async fill(offset, into) {
      into.set(view!.subarray(offset, offset + into.length));
    },
    async release() {
      view = undefined;
    },
  });
}
