/**
 * Opens a tensor file of whatever format it is, by its first bytes. Further formats are added here. The readers of
 * PyTorch's formats are loaded when the first such file is opened.
 */
import { CheckpointError } from "./checkpoint/errors.js";
import { PytorchError } from "./pytorch/errors.js";
import { openSafetensors } from "./safetensors/read.js";
import type { ByteSource } from "./sources/byte-source.js";
import type { TensorFile } from "./tensor-file.js";

/** Enough to tell the formats apart: the magic of a tar archive ends at byte 262. */
const PROBE_BYTES = 262;

/**
 * Recognises the format of a file and opens it: safetensors, PyTorch's zip archives (state dicts and TorchScript) and
 * its older pickles.
 * @param source - closed by the file's `close()`; if opening fails it stays open
 * Rejects with CheckpointError `git-lfs-pointer`, `pytorch-file` (a tar archive) or `not-a-checkpoint`, PytorchError,
 * and as `openSafetensors` does.
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
  if (text.slice(257) === "ustar") {
    throw new CheckpointError(
      "pytorch-file",
      `${name}: expected safetensors or a PyTorch file, got a tar archive, as PyTorch wrote before 0.1.10`,
    );
  }
  if (text.startsWith("PK\x03\x04")) {
    const { openPytorchZip } = await import("./pytorch/zip.js");
    return named(openPytorchZip(source, options), name);
  }
  // A pickle of protocol 2. A safetensors header of such a length would end beyond any file.
  if (text.startsWith("\x80\x02\x8a\x0al")) {
    const { openPytorchLegacy } = await import("./pytorch/legacy.js");
    return named(openPytorchLegacy(source, options), name);
  }
  if (/^\s*<(?:!doctype|html|\?xml)/i.test(text)) {
    throw new CheckpointError(
      "not-a-checkpoint",
      `${name}: expected safetensors, got a web page: a failed download?`,
    );
  }
  return openSafetensors(source, options);
}

/** Puts the file's name into what a reader of a format throws. */
async function named(opening: Promise<TensorFile>, name: string): Promise<TensorFile> {
  return opening.catch((error: unknown) => {
    throw error instanceof PytorchError ? error.in(name) : error;
  });
}
