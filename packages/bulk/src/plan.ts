/**
 * `Plan`: what one pass over the input finds: how many captions there are, where shards begin, which columns come along.
 * The same input and options give the same plan.
 */
import { createHash } from "node:crypto";
import { chunksOf } from "@textower/vector-files";
import type { ColumnDeclaration, ColumnType } from "@textower/vector-files";
import type { ByteSource } from "@textower/weights";
import type { Caption, CaptionFile, Mark } from "./captions/caption-file.js";
import { BulkError } from "./errors.js";

/** What becomes of an empty text: an error that names its place, no vector, or the vector of the empty text. */
export const EMPTY_TEXT_POLICIES = ["error", "skip", "encode"] as const;
/** See `EMPTY_TEXT_POLICIES`. */
export type EmptyTextPolicy = (typeof EMPTY_TEXT_POLICIES)[number];

/** A run of captions that are encoded together and kept in one file. */
export interface PlannedShard {
  /** Vectors. */
  readonly rows: number;
  /** Where its captions begin. */
  readonly from: Mark;
}

/** See the file's head. */
export interface Plan {
  /** Vectors in all. */
  readonly rows: number;
  /** Empty captions that get none. */
  readonly skipped: number;
  readonly shards: readonly PlannedShard[];
  /** All columns of the input, that of the text included. */
  readonly columns: readonly ColumnDeclaration[];
}

/** Most columns that records without a schema may have between them. */
const MAX_COLUMNS = 256;

/**
 * Reads the input once.
 * @param onRead - called with the number of vectors found so far, now and then
 * Rejects with BulkError `bad-input`, or what reading rejects with.
 */
export async function planShards(
  file: CaptionFile,
  options: {
    readonly shardSize: number;
    readonly empty: EmptyTextPolicy;
    readonly signal?: AbortSignal | undefined;
    readonly onRead?: (rows: number) => void;
  },
): Promise<Plan> {
  const { shardSize, empty, signal, onRead } = options;
  const shards: PlannedShard[] = [];
  const inferred = file.columns === undefined ? new Map<string, ColumnType | undefined>() : undefined;
  let [rows, skipped, inShard] = [0, 0, 0];
  let from = file.begin;
  for await (const caption of file.read(file.begin, signal)) {
    if (inferred !== undefined) infer(inferred, caption);
    if (isLeftOut(caption, empty)) {
      skipped++;
      continue;
    }
    rows++;
    if (++inShard === shardSize) {
      shards.push({ rows: inShard, from });
      [inShard, from] = [0, caption.next];
      onRead?.(rows);
    }
  }
  if (inShard > 0) shards.push({ rows: inShard, from });
  const columns =
    file.columns ??
    Array.from(inferred!, ([name, type]): ColumnDeclaration => ({ name, type: type ?? "string" }));
  return { rows, skipped, shards, columns };
}

/** Captions of a shard, in order: those that get a vector. */
export async function* captionsOf(
  file: CaptionFile,
  shard: PlannedShard,
  empty: EmptyTextPolicy,
  signal: AbortSignal | undefined,
): AsyncGenerator<Caption, void, undefined> {
  let left = shard.rows;
  if (left === 0) return;
  for await (const caption of file.read(shard.from, signal)) {
    if (isLeftOut(caption, empty)) continue;
    yield caption;
    if (--left === 0) return;
  }
  throw new BulkError(
    "bad-input",
    `${file.name}: expected ${shard.rows} captions in a shard, got ${shard.rows - left}`,
  );
}

/** @throws BulkError `bad-input` for an empty text where that is an error */
function isLeftOut({ text, where }: Caption, empty: EmptyTextPolicy): boolean {
  if (empty === "encode" || text.trim() !== "") return false;
  if (empty === "skip") return true;
  throw new BulkError(
    "bad-input",
    `${where}: expected a text, got an empty one; choose to skip or to encode such`,
  );
}

/** The narrowest type that holds a column's values so far. */
function infer(types: Map<string, ColumnType | undefined>, { fields, where }: Caption): void {
  for (const [name, value] of Object.entries(fields)) {
    const seen = types.get(name);
    const type = typeOf(value);
    types.set(
      name,
      seen === undefined || type === undefined || seen === type ? (type ?? seen) : widest(seen, type),
    );
  }
  if (types.size > MAX_COLUMNS) {
    throw new BulkError(
      "bad-input",
      `${where}: expected at most ${MAX_COLUMNS} fields in all lines together, got more`,
    );
  }
}

function widest(one: ColumnType, other: ColumnType): ColumnType {
  return [one, other].every((type) => type === "int64" || type === "double") ? "double" : "string";
}

function typeOf(value: unknown): ColumnType | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "boolean") return "boolean";
  if (typeof value !== "number") return "string";
  return Number.isSafeInteger(value) ? "int64" : "double";
}

/** Hexadecimal SHA-256 of all bytes. */
export async function sha256Of(source: ByteSource, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunksOf(source, { signal })) hash.update(chunk);
  return hash.digest("hex");
}
