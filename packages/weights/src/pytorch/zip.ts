/**
 * Opens what `torch.save` has written since PyTorch 1.6, and TorchScript archives: zip files with a pickle and a record
 * for each storage. Only the pickle is read; code is never looked at.
 *
 * Source: pytorch `caffe2/serialize/inline_container.cc`, `torch/serialization.py`.
 */
import { unpickle } from "../pickle/unpickle.js";
import type { ByteSource } from "../sources/byte-source.js";
import { readAheadSource } from "../sources/read-ahead.js";
import type { TensorFile } from "../tensor-file.js";
import { localHeaderBytes, locateRecord, readZipDirectory } from "../zip/directory.js";
import type { ZipEntry } from "../zip/directory.js";
import { PytorchError } from "./errors.js";
import { pytorchHost } from "./globals.js";
import { namedTensors } from "./state-dict.js";
import { pytorchTensorFile } from "./tensor-file.js";
import { elementBytes } from "./tensors.js";

/** A pickle of a checkpoint has some 100 kB. */
const MAX_PICKLE_BYTES = 64 * 2 ** 20;
const MAX_BYTEORDER_BYTES = 16;

/**
 * @param source - closed by the file's `close()`; if opening fails it stays open
 * Rejects with PytorchError, with what the source rejects with, or with the signal's reason.
 */
export async function openPytorchZip(
  source: ByteSource,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<TensorFile> {
  const { signal } = options;
  const entries = await readZipDirectory(source, signal);
  // All records lie in one folder, named after the file or "archive".
  const folder = [...entries.keys()]
    .find((name) => /^[^/]*\/data\.pkl$/.test(name))
    ?.slice(0, -"data.pkl".length);
  if (folder === undefined)
    throw new PytorchError("missing-record", "expected a record data.pkl, found none");
  const record = (name: string): ZipEntry => {
    const entry = entries.get(folder + name);
    if (entry === undefined)
      throw new PytorchError("missing-record", `expected a record ${name.slice(0, 200)}, found none`);
    return entry;
  };
  const read = async (name: string, most: number): Promise<Uint8Array> => {
    const entry = record(name);
    if (entry.bytes > most)
      throw new PytorchError("too-large", `${name}: expected at most ${most} bytes, got ${entry.bytes}`);
    const begin = await locateRecord(source, entry, signal);
    const bytes = new Uint8Array(entry.bytes);
    await source.read(begin, bytes, signal);
    return bytes;
  };

  if (entries.has(`${folder}byteorder`)) {
    const order = new TextDecoder().decode(await read("byteorder", MAX_BYTEORDER_BYTES)).trim();
    if (order !== "little")
      throw new PytorchError("big-endian", `expected little-endian tensors, got ${order}`);
  }
  const tensors = namedTensors(unpickle(await read("data.pkl", MAX_PICKLE_BYTES), pytorchHost).value);
  const ahead = source.isRemote ? readAheadSource(source) : source;
  return pytorchTensorFile({
    format: entries.has(`${folder}constants.pkl`) ? "torchscript" : "pytorch",
    source: ahead,
    tensors,
    extent({ key }) {
      const entry = entries.get(`${folder}data/${key}`);
      if (entry === undefined) return undefined;
      const begin = entry.header;
      return { begin, end: Math.min(source.size, begin + localHeaderBytes(entry) + entry.storedBytes) };
    },
    async locate(storage, signal) {
      const entry = record(`data/${storage.key}`);
      const bytes = (storage.offset + storage.elements) * elementBytes(storage.dtype);
      if (entry.bytes < bytes) {
        throw new PytorchError(
          "bad-storage",
          `data/${storage.key}: expected ${bytes} bytes, got ${entry.bytes}`,
        );
      }
      return locateRecord(ahead, entry, signal);
    },
  });
}
