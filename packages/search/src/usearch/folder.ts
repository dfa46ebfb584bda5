/**
 * The folder of a usearch index: `vectors-N.usearch`, usearch's own file, and `entries`, which names it and has ids and
 * metadata. `entries` is written last and renamed into place, so that there is always a whole index, the old or the new.
 *
 *   entries  "textower.usearch.1", block { dimension, checkpoint, vectors, bytes, next }, blocks { keys, ids, metadata }, block { end }
 */
import { mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BlockReader, jsonBlock } from "../blocks.js";
import type { IndexLayout, Metadata } from "../engine.js";
import { checkLayout } from "../layout.js";
import type { Labels } from "./engine.js";
import type { UsearchIndex } from "./usearch-types.js";

const MAGIC = "textower.usearch.1";
const WHO = "usearchEngine";

const VECTORS = /^vectors-\d+\.usearch$/;

/** Entries of one block. */
const BLOCK = 1024;

/**
 * Reads the folder into the index.
 * Rejects with SearchError `width`, `checkpoint` or `bad-file`.
 * @returns what usearch has no place for; undefined if there is no index
 */
export async function readFolder(
  path: string,
  layout: IndexLayout,
  index: UsearchIndex,
): Promise<Labels | undefined> {
  const stream = await openIfThere(join(path, "entries"));
  if (stream === undefined) return undefined;
  const reader = new BlockReader(WHO, stream);
  try {
    await reader.magic(MAGIC);
    const head = await reader.json();
    checkLayout(WHO, layout, head);
    const entries: Labels["entries"] = new Map();
    for (;;) {
      const { keys, ids, metadata, end } = await reader.json();
      if (end !== undefined) break;
      if (
        !Array.isArray(keys) ||
        !Array.isArray(ids) ||
        !Array.isArray(metadata) ||
        ids.length !== keys.length
      ) {
        throw reader.bad("a block of keys, ids and metadata", "something else");
      }
      keys.forEach((key: number, i) => {
        entries.set(key, { id: ids[i] as string, metadata: metadata[i] as Metadata });
      });
    }
    const { vectors, bytes } = head;
    if (typeof vectors !== "string" || !VECTORS.test(vectors))
      throw reader.bad("the name of a file", String(vectors));
    const file = join(path, vectors);
    // usearch does not look before it reads: a file that was cut off ends the process.
    const size = await sizeOf(file);
    if (size !== bytes) throw reader.bad(`${String(bytes)} bytes in ${file}`, String(size ?? "no such file"));
    try {
      index.load(file);
    } catch (cause) {
      throw reader.bad(`${file} as usearch saves it`, String(cause), { cause });
    }
    if (index.size() < entries.size || Number(index.dimensions()) !== layout.dimension) {
      throw reader.bad(
        `${entries.size} vectors or more of width ${layout.dimension} in ${file}`,
        `${index.size()} of ${index.dimensions()}`,
      );
    }
    return { entries, next: Number(head["next"]) };
  } finally {
    await reader.close();
  }
}

/** Writes the index to the folder, beside what is there; then removes that. */
export async function writeFolder(
  path: string,
  layout: IndexLayout,
  index: UsearchIndex,
  { entries, next }: Labels,
): Promise<void> {
  await mkdir(path, { recursive: true });
  const before = (await readdir(path)).filter((name) => VECTORS.test(name));
  const number = Math.max(0, ...before.map((name) => Number(/\d+/.exec(name)![0]))) + 1;
  const vectors = `vectors-${number}.usearch`;
  index.save(join(path, vectors));
  const bytes = await sizeOf(join(path, vectors));
  const handle = await open(join(path, "entries.new"), "w");
  try {
    const { dimension, checkpoint } = layout;
    await writeFile(handle, blocks({ dimension, checkpoint, vectors, bytes, next }, entries));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(join(path, "entries.new"), join(path, "entries"));
  for (const name of before) await rm(join(path, name));
}

function* blocks(head: object, entries: Labels["entries"]): Generator<Uint8Array> {
  yield new TextEncoder().encode(MAGIC);
  yield jsonBlock(head);
  const all = [...entries];
  for (let first = 0; first < all.length; first += BLOCK) {
    const some = all.slice(first, first + BLOCK);
    yield jsonBlock({
      keys: some.map(([key]) => key),
      ids: some.map(([, { id }]) => id),
      metadata: some.map(([, { metadata }]) => metadata),
    });
  }
  yield jsonBlock({ end: all.length });
}

/** A stream of a file's bytes; undefined if there is no such file. */
async function openIfThere(path: string): Promise<AsyncIterable<Uint8Array> | undefined> {
  try {
    return (await open(path)).createReadStream() as AsyncIterable<Uint8Array>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Bytes of a file; undefined if there is none. */
async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
