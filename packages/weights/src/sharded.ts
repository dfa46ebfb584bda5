/**
 * A checkpoint in several files, as transformers writes it: `….safetensors.index.json` or `….bin.index.json` says in its
 * `weight_map` which tensor lies in which file. Files that hold nothing wanted stay closed.
 *
 * Source: transformers `modeling_utils.py`, huggingface_hub `serialization/_base.py`.
 */
import { CheckpointError } from "./checkpoint/errors.js";
import { openTensorFile } from "./open-tensor-file.js";
import { parseShardIndex } from "./shard-index.js";
import { checkPath } from "./sources/file-collection.js";
import type { FileCollection } from "./sources/file-collection.js";
import { readText } from "./sources/read-text.js";
import { entryOf } from "./tensor-file.js";
import type { TensorEntry, TensorFile } from "./tensor-file.js";

/** An index of a large model has some 100 kB. */
const MAX_INDEX_BYTES = 16 * 2 ** 20;
/** Files of a checkpoint; the largest published ones have a few hundred. */
const MAX_SHARDS = 4096;

/** What `openSharded` needs to know beside the files. */
export interface ShardedOptions {
  /** Tells tensors that are asked for from the rest, so that files without any stay closed. Default: all. */
  readonly wanted?: (name: string) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a sharded checkpoint. Entries are those of the files that hold a wanted tensor; every file that is opened holds
 * exactly the tensors that the index says.
 * @param path - of the index; files are named relative to it
 * Rejects with CheckpointError `bad-index`, `missing-shard`, `shard-mismatch`, ByteSourceError `bad-path`,
 * SafetensorsError, PytorchError, what the collection rejects with, or the signal's reason. Nothing stays open then.
 */
export async function openSharded(
  collection: FileCollection,
  path: string,
  { wanted = () => true, signal }: ShardedOptions = {},
): Promise<TensorFile> {
  const label = `${collection.name}: ${path}`;
  const text = await readText(collection, path, MAX_INDEX_BYTES, signal);
  if (text === undefined) throw new CheckpointError("missing-shard", `${label}: no such file`);
  const index = parseShardIndex(text, label);
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  /** File → names of its tensors. */
  const shards = new Map<string, string[]>();
  for (const [tensor, file] of index.weightMap) {
    const names = shards.get(file);
    if (names === undefined) shards.set(checkPath(label, file), [tensor]);
    else names.push(tensor);
  }
  if (shards.size > MAX_SHARDS) {
    throw new CheckpointError(
      "bad-index",
      `${label}: expected at most ${MAX_SHARDS} files, got ${shards.size}`,
    );
  }

  const opened: TensorFile[] = [];
  const fileOf = new Map<string, TensorFile>();
  const entries = new Map<string, TensorEntry>();
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((file) => file.close()));
  };
  try {
    for (const [shard, names] of shards) {
      if (!names.some(wanted)) continue;
      const file = await openShard(collection, folder + shard, label, signal);
      opened.push(file);
      checkShard(file, names, label);
      for (const name of names) {
        fileOf.set(name, file);
        entries.set(name, file.entries.get(name)!);
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  const sharded: TensorFile = {
    format: opened[0]?.format ?? "safetensors",
    name: label,
    size: opened.reduce((sum, { size }) => sum + size, 0),
    entries,
    metadata: index.metadata,
    async readInto(name, into, rows, readSignal) {
      entryOf(sharded, name);
      return fileOf.get(name)!.readInto(name, into, rows, readSignal);
    },
    announce(names) {
      for (const file of opened) file.announce?.(names.filter((name) => fileOf.get(name) === file));
    },
    close,
  };
  return sharded;
}

async function openShard(
  collection: FileCollection,
  path: string,
  label: string,
  signal: AbortSignal | undefined,
): Promise<TensorFile> {
  const source = await collection.open(path, signal);
  if (source === undefined) {
    throw new CheckpointError("missing-shard", `${label}: expected the file ${path}, found none`);
  }
  return openTensorFile(source, { signal }).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
}

/** A tensor that the index has elsewhere, or not at all, would be a second one of its name, or one that nobody meant. */
function checkShard(file: TensorFile, names: readonly string[], label: string): void {
  const missing = names.find((name) => !file.entries.has(name));
  if (missing !== undefined) {
    throw new CheckpointError("shard-mismatch", `${label}: expected ${missing} in ${file.name}, found none`);
  }
  if (file.entries.size === names.length) return;
  const expected = new Set(names);
  const extra = [...file.entries.keys()].find((name) => !expected.has(name))!;
  throw new CheckpointError("shard-mismatch", `${label}: expected no ${extra} in ${file.name}, found one`);
}
