/**
 * Opens a tensor file of whatever format it is, by its first bytes. Further formats are added here.
 */
import { CheckpointError } from "./checkpoint/errors.js";
import { openSafetensors } from "./safetensors/read.js";
import type { ByteSource } from "./sources/byte-source.js";
import type { TensorFile } from "./tensor-file.js";

/** Enough to tell the formats apart: the magic of a tar archive ends at byte 262. */
const PROBE_BYTES = 262;

/**
 * Recognises the format of a file and opens it; safetensors so far.
 * @param source - closed by the file's `close()`; if opening fails it stays open
 * Rejects with CheckpointError `git-lfs-pointer`, `pytorch-file` or `not-a-checkpoint`, and as `openSafetensors` does.
 */
export async function openTensorFile(
  source: ByteSource,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<TensorFile> {
  const bytes = new Uint8Array(Math.min(PROBE_BYTES, source.size));
  await source.read(0, bytes, options.signal);
  const text = String.fromCharCode(...bytes);
  const { name } = source;
  if (text.startsWith("version https://git-lfs")) {
    throw new CheckpointError(
      "git-lfs-pointer",
      `${name}: expected weights, got a Git LFS pointer: run "git lfs pull", or download through /resolve/, not /raw/`,
    );
  }
  const isTar = text.slice(257) === "ustar";
  // "PK": zip; 0x80 0x02: a pickle of protocol 2. A safetensors header of such a length would end beyond any file.
  if (text.startsWith("PK\x03\x04") || text.startsWith("\x80\x02\x8a\x0al") || isTar) {
    const kind = isTar ? "a tar archive" : text.startsWith("PK") ? "a zip archive" : "a pickle";
    throw new CheckpointError(
      "pytorch-file",
      `${name}: expected safetensors, got ${kind}, as PyTorch writes it (.pt, .bin): convert it to safetensors`,
    );
  }
  if (/^\s*<(?:!doctype|html|\?xml)/i.test(text)) {
    throw new CheckpointError(
      "not-a-checkpoint",
      `${name}: expected safetensors, got a web page: a failed download?`,
    );
  }
  return openSafetensors(source, options);
}
