/**
 * Opens Parquet of vectors: a column of lists of floats, all of one length, as pandas, pyarrow and polars write lists and
 * fixed-size lists. Pages of all columns are read side by side, so that memory does not depend on row groups.
 */
import type { ByteSource } from "@textower/weights";
import { checkDimension, checkFinite, VectorFileError } from "../errors.js";
import { batchRows } from "../vector-file.js";
import type { BatchOptions, VectorBatch, VectorFile } from "../vector-file.js";
import { chooseColumns } from "./columns.js";
import type { Column, ColumnOptions, Columns } from "./columns.js";
import { FlatCursor, pages, VectorCursor } from "./cursors.js";
import { readFooter } from "./footer.js";
import type { Footer } from "./footer.js";

/** Rejects with VectorFileError, or with what the source rejects with. */
export async function openParquetVectors(
  source: ByteSource,
  options: ColumnOptions,
  signal?: AbortSignal,
): Promise<VectorFile> {
  const { name } = source;
  const footer = await readFooter(source, signal);
  const { count } = footer;
  const columns = chooseColumns(name, footer.root, options);
  const dimension = count === 0 ? 0 : await firstLength(source, footer, columns.vectors, signal);
  const element = columns.vectors.path.at(-1)!.element;
  return {
    format: "parquet",
    name,
    count,
    dimension,
    dtype: element.type === "DOUBLE" ? "float64" : element.type === "FLOAT" ? "float32" : "float16",
    batches: (batchOptions = {}) => readBatches(source, footer, columns, dimension, batchOptions),
    close: () => source.close(),
  };
}

/** Length of the first row's list. */
async function firstLength(
  source: ByteSource,
  { groups }: Footer,
  column: Column,
  signal: AbortSignal | undefined,
): Promise<number> {
  let length = 0;
  for await (const { repetition, definition, entries } of pages(source, groups, column, signal)) {
    if (entries === 0) continue;
    if (definition !== undefined && length === 0 && definition[0]! < column.maxDefinition) {
      throw new VectorFileError(
        "bad-row",
        `${source.name}: ${column.name}: expected numbers in row 0, got null or an empty list`,
      );
    }
    const from = length === 0 ? 1 : 0;
    const next = repetition!.indexOf(0, from);
    length += next === -1 ? repetition!.length : next;
    if (next !== -1) break;
  }
  checkDimension(`${source.name}: ${column.name}`, length);
  return length;
}

async function* readBatches(
  source: ByteSource,
  { groups, count: all }: Footer,
  { vectors, ids, metadata }: Columns,
  dimension: number,
  options: BatchOptions,
): AsyncGenerator<VectorBatch, void, undefined> {
  const { signal } = options;
  const size = batchRows(options, dimension);
  const vectorCursor = new VectorCursor(source, groups, vectors, dimension, signal);
  const idCursor = ids && new FlatCursor(source, groups, ids, signal);
  const cursors = metadata.map((column) => new FlatCursor(source, groups, column, signal));
  let left = all;
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
      ...(metadata.length > 0 && { metadata: rowsOf(metadata, values, count) }),
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
