/**
 * From what a user names (a path, a directory, an address, bytes, files) to an open file of tensors, and to the config
 * files that lie beside it. Layouts: transformers (`model.safetensors`, `config.json`) and OpenCLIP
 * (`open_clip_model.safetensors`, `open_clip_config.json`), each in one file or in several.
 */
import { openTensorFile } from "../open-tensor-file.js";
import { openSharded } from "../sharded.js";
import { blobSource } from "../sources/blob.js";
import { bufferSource } from "../sources/buffer.js";
import { isByteSource } from "../sources/byte-source.js";
import type { ByteSource } from "../sources/byte-source.js";
import {
  directoryCollection,
  filesCollection,
  handleCollection,
  isDirectoryHandle,
  urlCollection,
} from "../sources/collections.js";
import type { DirectoryHandle } from "../sources/collections.js";
import { isFileCollection } from "../sources/file-collection.js";
import type { FileCollection } from "../sources/file-collection.js";
import { fileSource, fileSystem } from "../sources/file.js";
import { httpSource } from "../sources/http.js";
import type { HttpSourceOptions } from "../sources/http.js";
import type { TensorFile } from "../tensor-file.js";
import { CheckpointError } from "./errors.js";
import { isOtherPart } from "./naming.js";

/**
 * What a checkpoint can be opened from. A directory's path, an address that ends in `/`, a handle, a list of `File`s
 * and a `FileCollection` are searched for weights and configs; everything else is one file.
 */
export type CheckpointSource =
  | string
  | URL
  | Blob
  | ArrayBuffer
  | Uint8Array
  | ByteSource
  | DirectoryHandle
  | readonly File[]
  | FileCollection;

/** An open file and its surroundings. */
export interface Located {
  readonly file: TensorFile;
  /** Closes the file, unless it is the caller's. */
  discard(): Promise<void>;
  /** Where its config may lie; absent where there is no such place. */
  readonly siblings?: FileCollection;
  /** Whether the config is looked for unasked: in collections and beside local files. */
  readonly searched: boolean;
}

/** Names of weight files in a collection, in the order in which they are looked for. */
const WEIGHT_FILES = [
  "model.safetensors",
  "open_clip_model.safetensors",
  "open_clip_pytorch_model.safetensors",
  "pytorch_model.bin",
  "open_clip_pytorch_model.bin",
] as const;
/** Indices of checkpoints in several files. */
const INDEX_FILES = [
  "model.safetensors.index.json",
  "open_clip_model.safetensors.index.json",
  "pytorch_model.bin.index.json",
] as const;

/**
 * Rejects with CheckpointError (`no-checkpoint`, `bad-option`, those of indices), what opening a tensor file rejects
 * with, ByteSourceError or the signal's reason. Nothing that was opened here stays open then.
 */
export async function locate(given: CheckpointSource, options: HttpSourceOptions): Promise<Located> {
  const { signal } = options;
  if (typeof given === "string" || given instanceof URL) {
    const remote = given instanceof URL ? given.protocol !== "file:" : /^https?:\/\//i.test(given);
    if (remote) return locateUrl(new URL(given), options);
    return locatePath(
      typeof given === "string" && /^file:\/\//i.test(given) ? new URL(given) : given,
      signal,
    );
  }
  if (given instanceof Blob) return openOne(blobSource(given), signal);
  if (given instanceof Uint8Array || given instanceof ArrayBuffer) {
    return openOne(bufferSource(given), signal);
  }
  if (isFileCollection(given)) return openCollection(given, signal);
  if (isByteSource(given)) {
    return { file: await openTensorFile(given, { signal }), discard: async () => {}, searched: false };
  }
  if (isDirectoryHandle(given)) return openCollection(handleCollection(given), signal);
  if (Array.isArray(given) && given.every((each): each is File => each instanceof Blob)) {
    return openCollection(filesCollection(given), signal);
  }
  throw new CheckpointError(
    "bad-option",
    "openCheckpoint: expected a path, URL, Blob, ArrayBuffer, Uint8Array, ByteSource, directory handle, list of " +
      `Files or FileCollection, got ${typeof given}`,
  );
}

async function openOne(
  source: ByteSource,
  signal: AbortSignal | undefined,
  surroundings: Pick<Located, "siblings" | "searched"> = { searched: false },
): Promise<Located> {
  try {
    const file = await openTensorFile(source, { signal });
    return { file, discard: () => file.close(), ...surroundings };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function locateUrl(url: URL, options: HttpSourceOptions): Promise<Located> {
  const siblings = urlCollection(url, options);
  if (url.pathname.endsWith("/")) return openCollection(siblings, options.signal);
  return openOne(await httpSource(url, options), options.signal, { siblings, searched: false });
}

async function locatePath(path: string | URL, signal: AbortSignal | undefined): Promise<Located> {
  const fs = await fileSystem(String(path));
  signal?.throwIfAborted();
  const isDirectory = await fs.stat(path).then(
    (stats) => stats.isDirectory(),
    () => false, // opening the file will say what is wrong
  );
  if (isDirectory) return openCollection(directoryCollection(path), signal);
  const directory = typeof path === "string" ? path.replace(/[^/\\]*$/, "") || "." : new URL(".", path);
  const siblings = directoryCollection(directory);
  return openOne(await fileSource(path), signal, { siblings, searched: true });
}

async function openCollection(files: FileCollection, signal: AbortSignal | undefined): Promise<Located> {
  const names = await files.list(signal);
  const surroundings = { siblings: files, searched: true };
  for (const name of names === undefined
    ? WEIGHT_FILES
    : WEIGHT_FILES.filter((each) => names.includes(each))) {
    const source = await files.open(name, signal);
    if (source !== undefined) return openOne(source, signal, surroundings);
  }
  const index = await findIndex(files, names, signal);
  if (index !== undefined) {
    // Files that hold nothing but the vision tower stay closed.
    const wanted = (name: string): boolean => !isOtherPart(name);
    const file = await openSharded(files, index, { wanted, signal });
    return { file, discard: () => file.close(), ...surroundings };
  }
  const others = names?.filter((name) => /^[^/]*\.(?:safetensors|bin|pt|pth)$/.test(name)) ?? [];
  const source = others.length === 1 ? await files.open(others[0]!, signal) : undefined;
  if (source !== undefined) return openOne(source, signal, surroundings);
  const got = others.length > 0 ? others : (names ?? []);
  throw new CheckpointError(
    "no-checkpoint",
    `${files.name}: expected ${[...WEIGHT_FILES, ...INDEX_FILES].join(", ")} or a single .safetensors, .bin, .pt or ` +
      `.pth file, got ${got.slice(0, 6).join(", ") || "nothing"}`,
  );
}

/** One of the usual indices, or the only other one. */
async function findIndex(
  files: FileCollection,
  names: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (names !== undefined) {
    const usual = INDEX_FILES.find((name) => names.includes(name));
    const others = names.filter((name) => /^[^/]*\.(?:safetensors|bin)\.index\.json$/.test(name));
    return usual ?? (others.length === 1 ? others[0] : undefined);
  }
  for (const name of INDEX_FILES) {
    const source = await files.open(name, signal);
    await source?.close();
    if (source !== undefined) return name;
  }
  return undefined;
}
