/**
 * Opens Parquet of vectors: a column of lists of floats, all of one length, as pandas, pyarrow and polars write lists and
 * fixed-size lists. Pages of all columns are read side by side, so that memory does not depend on row groups.
 */
import type { ByteSource } from "@textower/weights";
import type { FileMetaData, RowGroup } from "hyparquet";
import { parquetMetadata } from "hyparquet";
import { checkDimension, checkFinite, VectorFileError } from "../errors.js";
import { batchRows } from "../vector-file.js";
import type { BatchOptions, VectorBatch, VectorFile } from "../vector-file.js";
import { chooseColumns } from "./columns.js";
import type { Column, Columns } from "./columns.js";
import { pagesOf } from "./pages.js";
import type { Page } from "./pages.js";
import { thriftLength } from "./thrift.js";

/** "PAR1", at both ends. */
const MAGIC = 0x31524150;
const FOOTER_BYTES = 8;

/** Rejects with VectorFileError, or with what the source rejects with. */
export async function openParquetVectors(
  source: ByteSource,
  options: { readonly vectors?: string | undefined; readonly ids?: string | undefined },
  signal?: AbortSignal,
): Promise<VectorFile> {
  const { name } = source;
  const metadata = await readMetadata(source, signal);
  const columns = chooseColumns(name, metadata, options);
  const count = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  const dimension = count === 0 ? 0 : await firstLength(source, metadata, columns.vectors, signal);
  const element = columns.vectors.path.at(-1)!.element;
  return {
    format: "parquet",
    name,
    count,
    dimension,
    dtype: element.type === "DOUBLE" ? "float64" : element.type === "FLOAT" ? "float32" : "float16",
    batches: (batchOptions = {}) => readBatches(source, metadata, columns, dimension, batchOptions),
    close: () => source.close(),
  };
}

async function readMetadata(source: ByteSource, signal: AbortSignal | undefined): Promise<FileMetaData> {
  const { name, size } = source;
  const bad = (message: string, cause?: unknown): VectorFileError =>
    new VectorFileError("bad-header", `${name}: parquet: ${message}`, { cause });
  if (size < 4 + FOOTER_BYTES) throw bad(`expected a footer, got ${size} bytes`);
  const tail = new Uint8Array(FOOTER_BYTES);
  await source.read(size - FOOTER_BYTES, tail, signal);
  const view = new DataView(tail.buffer);
  if (view.getUint32(4, true) !== MAGIC)
    throw bad("expected PAR1 at the end, got other bytes: a file that was cut off?");
  const length = view.getUint32(0, true);
  if (length > size - FOOTER_BYTES - 4)
    throw bad(`expected a footer of at most ${size - 12} bytes, got ${length}`);
  const footer = new Uint8Array(length + FOOTER_BYTES);
  await source.read(size - footer.length, footer, signal);
  try {
    if (thriftLength(footer.subarray(0, length)) === undefined) throw new RangeError("it ends too early");
    return parquetMetadata(footer, { geoparquet: false });
  } catch (cause) {
    throw bad(`expected a footer that can be read, got other bytes: ${reason(cause)}`, cause);
  }
}

/** Length of the first row's list. */
async function firstLength(
  source: ByteSource,
  metadata: FileMetaData,
  column: Column,
  signal: AbortSignal | undefined,
): Promise<number> {
  let length = 0;
  for await (const { repetition, definition } of pages(source, metadata.row_groups, column, signal)) {
    if (definition !== undefined && length === 0 && definition[0]! < column.maxDefinition) {
      throw new VectorFileError(
        "bad-row",
        `${source.name}: ${column.name}: expected numbers in row 0, got null or an empty list`,
      );
    }
    const from = length === 0 ? 1 : 0;
    const next = repetition!.indexOf(0, from);
    length += next === -1 ? repetition!.length : next;
    checkDimension(`${source.name}: ${column.name}`, length);
    if (next !== -1) break;
  }
  return length;
}

async function* readBatches(
  source: ByteSource,
  { row_groups: groups }: FileMetaData,
  { vectors, ids, metadata }: Columns,
  dimension: number,
  options: BatchOptions,
): AsyncGenerator<VectorBatch, void, undefined> {
  const { signal } = options;
  const size = batchRows(options, dimension);
  const vectorCursor = new VectorCursor(source, groups, vectors, dimension, signal);
  const idCursor = ids && new FlatCursor(source, groups, ids, signal);
  const cursors = metadata.map((column) => new FlatCursor(source, groups, column, signal));
  let left = groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  for (let row = 0; left > 0;) {
    signal?.throwIfAborted();
    const count = Math.min(size, left);
    const data = await vectorCursor.take(count); // [count, dimension]
    checkFinite(source.name, data, dimension, row);
    const idValues = await idCursor?.take(count);
    const values: unknown[][] = [];
    for (const cursor of cursors) values.push(await cursor.take(count));
    yield {
      count,
      dimension,
      data,
      ...(idValues !== undefined && { ids: idValues.map((id, i) => idOf(source.name, id, row + i)) }),
      ...(metadata.length > 0 && {
        metadata: data.length === 0 ? [] : rowsOf(metadata, values, count),
      }),
    };
    row += count;
    left -= count;
  }
}

function rowsOf(
  columns: readonly Column[],
  values: readonly unknown[][],
  count: number,
): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(columns.map(({ name }, column) => [name, values[column]![row]])),
  );
}

function idOf(name: string, id: unknown, row: number): string {
  if (typeof id === "string" || typeof id === "number") return String(id);
  throw new VectorFileError(
    "bad-row",
    `${name}: expected a string or number as the id of row ${row}, got ${typeof id}`,
  );
}

/** The pages of a column in all row groups. */
async function* pages(
  source: ByteSource,
  groups: readonly RowGroup[],
  column: Column,
  signal: AbortSignal | undefined,
): AsyncGenerator<Page, void, undefined> {
  for (const [index, { columns }] of groups.entries()) {
    const chunk = columns[column.place];
    try {
      if (chunk === undefined) throw new RangeError("expected the column in each row group, got one without");
      yield* pagesOf(source, chunk, column, signal);
    } catch (cause) {
      signal?.throwIfAborted();
      const passes =
        cause instanceof VectorFileError || (cause as { name?: unknown }).name === "ByteSourceError";
      if (passes) throw cause;
      const isUnsupported = /unsupported|not supported/.test(reason(cause));
      throw new VectorFileError(
        isUnsupported ? "unsupported" : "bad-header",
        `${source.name}: ${column.name}, row group ${index}: ${reason(cause)}`,
        { cause },
      );
    }
  }
}

/** Takes numbers of a column of lists, some rows at a time, and holds its levels against one length. */
class VectorCursor {
  readonly #pages: AsyncGenerator<Page, void, undefined>;
  readonly #column: Column;
  readonly #name: string;
  readonly #dimension: number;
  #page: Page | undefined;
  /** Numbers of `#page` that were taken. */
  #at = 0;
  /** Numbers that were taken in all. */
  #taken = 0;

  constructor(
    source: ByteSource,
    groups: readonly RowGroup[],
    column: Column,
    dimension: number,
    signal: AbortSignal | undefined,
  ) {
    this.#pages = pages(source, groups, column, signal);
    this.#column = column;
    this.#name = `${source.name}: ${column.name}`;
    this.#dimension = dimension;
  }

  /** @returns [rows, dimension] */
  async take(rows: number): Promise<Float32Array> {
    const data = new Float32Array(rows * this.#dimension);
    for (let filled = 0; filled < data.length;) {
      const page = await this.#current();
      const values = page.values as ArrayLike<number>;
      const length = Math.min(data.length - filled, page.entries - this.#at);
      if (values instanceof Float32Array) data.set(values.subarray(this.#at, this.#at + length), filled);
      else for (let i = 0; i < length; i++) data[filled + i] = values[this.#at + i]!;
      this.#check(page, length);
      filled += length;
    }
    return data;
  }

  async #current(): Promise<Page> {
    while (this.#page === undefined || this.#at === this.#page.entries) {
      const { value, done } = await this.#pages.next();
      if (done) throw this.#error("numbers", "the end of the column");
      if (value.definition !== undefined) {
        this.#taken += value.definition.findIndex((level) => level < this.#column.maxDefinition);
        throw this.#error("numbers in every row", "null or an empty list");
      }
      [this.#page, this.#at] = [value, 0];
    }
    return this.#page;
  }

  /** A row begins where the one before has `dimension` numbers, and nowhere else. */
  #check({ repetition }: Page, length: number): void {
    for (let i = 0; i < length; i++) {
      const beginsRow = this.#taken % this.#dimension === 0;
      if ((repetition![this.#at] === 0) !== beginsRow) {
        throw this.#error(`lists of ${this.#dimension} numbers, as in the first row`, "another length");
      }
      this.#at++;
      this.#taken++;
    }
  }

  #error(expected: string, got: string): VectorFileError {
    const row = Math.floor(Math.max(0, this.#taken - 1) / this.#dimension);
    return new VectorFileError(
      "bad-row",
      `${this.#name}: expected ${expected}, got ${got} at or after row ${row}`,
    );
  }
}

/** Takes values of a flat column, null where there is none. */
class FlatCursor {
  readonly #pages: AsyncGenerator<Page, void, undefined>;
  readonly #column: Column;
  readonly #name: string;
  #values: unknown[] = [];
  #at = 0;

  constructor(
    source: ByteSource,
    groups: readonly RowGroup[],
    column: Column,
    signal: AbortSignal | undefined,
  ) {
    this.#pages = pages(source, groups, column, signal);
    this.#column = column;
    this.#name = `${source.name}: ${column.name}`;
  }

  async take(count: number): Promise<unknown[]> {
    const taken: unknown[] = [];
    while (taken.length < count) {
      if (this.#at === this.#values.length) {
        const { value, done } = await this.#pages.next();
        if (done) {
          throw new VectorFileError(
            "bad-row",
            `${this.#name}: expected a value for each row, the column ends before`,
          );
        }
        this.#values = plainValues(value, this.#column.maxDefinition);
        this.#at = 0;
        continue;
      }
      const some = this.#values.slice(this.#at, this.#at + count - taken.length);
      for (const value of some) taken.push(value);
      this.#at += some.length;
    }
    return taken;
  }
}

function plainValues({ values, definition, entries }: Page, maxDefinition: number): unknown[] {
  let next = 0;
  return Array.from({ length: entries }, (_, i) =>
    definition === undefined || definition[i] === maxDefinition ? plain(values[next++]) : null,
  );
}

/** Whole numbers as numbers where they are exact, else as decimals. */
function plain(value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
