/**
 * Opens what `torch.save` wrote before PyTorch 1.6: pickles in a row (a magic number, a version, the machine, the
 * object, the keys of its storages), then the storages, each with its count of elements before it.
 *
 * Source: pytorch `torch/serialization.py`, `_legacy_save` and `_legacy_load`.
 */
import { unpickle } from "../pickle/unpickle.js";
import type { PickleHost } from "../pickle/unpickle.js";
import { PickleDict, PickleList } from "../pickle/values.js";
import type { PickleValue } from "../pickle/values.js";
import type { ByteSource } from "../sources/byte-source.js";
import { readAheadSource } from "../sources/read-ahead.js";
import type { TensorFile } from "../tensor-file.js";
import { PytorchError } from "./errors.js";
import { pytorchHost } from "./globals.js";
import { namedTensors } from "./state-dict.js";
import { pytorchTensorFile } from "./tensor-file.js";
import { elementBytes, Storage } from "./tensors.js";

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
/** The first guess at how long the pickles are, and the last. */
const FIRST_BYTES = 2 ** 20;
const MAX_PICKLE_BYTES = 64 * 2 ** 20;
/** A storage's count of elements, an int64. */
const COUNT_BYTES = 8;

/** As `openPytorchZip`. */
export async function openPytorchLegacy(
  source: ByteSource,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<TensorFile> {
  const { signal } = options;
  const { value, storages, keys, end } = await readPickles(source, signal);
  const begins = new Map<string, number>();
  let at = end;
  for (const key of keys) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (storage === undefined || begins.has(storage.key)) {
      throw new PytorchError(
        "bad-storage",
        `expected the key of a storage, once, got ${String(key).slice(0, 200)}`,
      );
    }
    begins.set(storage.key, at + COUNT_BYTES);
    at += COUNT_BYTES + storage.elements * elementBytes(storage.dtype);
  }
  if (at !== source.size)
    throw new PytorchError("bad-storage", `expected a file of ${at} bytes, got ${source.size}`);
  const ahead = source.isRemote ? readAheadSource(source) : source;
  return pytorchTensorFile({
    format: "pytorch-legacy",
    source: ahead,
    tensors: namedTensors(value),
    extent({ key }) {
      const begin = begins.get(key);
      const storage = storages.get(key);
      if (begin === undefined || storage === undefined) return undefined;
      return { begin: begin - COUNT_BYTES, end: begin + storage.elements * elementBytes(storage.dtype) };
    },
    async locate({ key }, signal) {
      const begin = begins.get(key);
      if (begin === undefined)
        throw new PytorchError("missing-record", `expected a storage ${key.slice(0, 200)}, found none`);
      const count = new Uint8Array(COUNT_BYTES);
      await ahead.read(begin - COUNT_BYTES, count, signal);
      const elements = new DataView(count.buffer).getBigInt64(0, true);
      if (elements !== BigInt(storages.get(key)!.elements)) {
        throw new PytorchError(
          "bad-storage",
          `${key.slice(0, 200)}: expected ${storages.get(key)!.elements} elements, got ${elements}`,
        );
      }
      return begin;
    },
  });
}

interface Pickles {
  readonly value: PickleValue;
  /** Whole storages, by key; views of them are offsets into these. */
  readonly storages: ReadonlyMap<string, Storage>;
  readonly keys: readonly PickleValue[];
  readonly end: number;
}

/** Reads more of the file until the pickles are whole. */
async function readPickles(source: ByteSource, signal: AbortSignal | undefined): Promise<Pickles> {
  for (let length = FIRST_BYTES; ; length *= 4) {
    const bytes = new Uint8Array(Math.min(length, source.size, MAX_PICKLE_BYTES));
    await source.read(0, bytes, signal);
    try {
      return parsePickles(bytes);
    } catch (error) {
      const cutShort = error instanceof PytorchError && error.code === "bad-pickle";
      if (!cutShort || bytes.length === source.size || bytes.length === MAX_PICKLE_BYTES) throw error;
    }
  }
}

function parsePickles(bytes: Uint8Array): Pickles {
  const storages = new Map<string, Storage>();
  const host: PickleHost = {
    ...pytorchHost,
    load(id) {
      const storage = pytorchHost.load(id);
      if (storage instanceof Storage) {
        const { key, dtype, recordElements } = storage;
        const known = storages.get(key);
        if (known !== undefined && (known.dtype !== dtype || known.elements !== recordElements)) {
          throw new PytorchError("bad-storage", `${key.slice(0, 200)}: expected one type and size, got two`);
        }
        storages.set(key, known ?? new Storage(key, dtype, recordElements));
      }
      return storage;
    },
  };
  let end = 0;
  const next = (): PickleValue => {
    const read = unpickle(bytes, host, end);
    end = read.end;
    return read.value;
  };
  const [magic, protocol, system, value, keys] = [next(), next(), next(), next(), next()];
  if (magic !== MAGIC || protocol !== PROTOCOL) {
    throw new PytorchError(
      "bad-pickle",
      `expected PyTorch's magic number and version ${PROTOCOL}, got others`,
    );
  }
  if (system instanceof PickleDict && system.entries.get("little_endian") === false) {
    throw new PytorchError("big-endian", "expected little-endian tensors, got big-endian ones");
  }
  if (!(keys instanceof PickleList)) throw new PytorchError("bad-storage", "expected a list of storages");
  return { value, storages, keys: keys.items, end };
}
