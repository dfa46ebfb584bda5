/** The flat columns of any Parquet file as rows: captions, for instance, that have no vectors yet. */
import type { ByteSource } from "@textower/weights";
import type { RowGroup, SchemaElement } from "hyparquet";
import { VectorFileError } from "../errors.js";
import type { ColumnDeclaration, ColumnType } from "../vector-writer.js";
import { flatColumns } from "./columns.js";
import { FlatCursor } from "./cursors.js";
import { readFooter } from "./footer.js";

/** An open table. Nothing but its footer has been read. */
export interface ParquetTable {
  /** Rows of the file. */
  readonly count: number;
  /** Columns that are read, and the nearest type that can be written. Lists and structs are left out. */
  readonly columns: readonly ColumnDeclaration[];
  /**
   * Rows from `begin` on, in order, null where there is no value.
   * @param columns - which; default all
   * @throws VectorFileError, what the source rejects with, or the signal's reason; from the iterator
   */
  rows(options?: {
    readonly begin?: number;
    readonly columns?: readonly string[];
    readonly signal?: AbortSignal | undefined;
  }): AsyncGenerator<Record<string, unknown>, void, undefined>;
}

/** Rows that are taken of each column at a time. */
const BATCH_ROWS = 1024;

/** Opens a table. Rejects with VectorFileError, or with what the source rejects with. The source stays the caller's. */
export async function openParquetTable(source: ByteSource, signal?: AbortSignal): Promise<ParquetTable> {
  const { root, groups: all, count } = await readFooter(source, signal);
  const flat = flatColumns(root);
  return {
    count,
    columns: flat.map(({ name, path }) => ({ name, type: typeOf(path.at(-1)!.element) })),
    rows({ begin = 0, columns, signal } = {}) {
      const chosen =
        columns === undefined ? flat : columns.map((name) => flat.find((each) => each.name === name));
      const missing = chosen.indexOf(undefined);
      if (missing !== -1) {
        throw new VectorFileError(
          "no-vectors",
          `${source.name}: expected a column ${columns![missing]}, got none`,
        );
      }
      const cursors = (groups: readonly RowGroup[]): (readonly [string, FlatCursor])[] =>
        chosen.map((column) => [column!.name, new FlatCursor(source, groups, column!, signal)]);
      return rowsFrom(all, begin, cursors);
    },
  };
}

async function* rowsFrom(
  all: readonly RowGroup[],
  begin: number,
  cursorsOf: (groups: readonly RowGroup[]) => readonly (readonly [string, FlatCursor])[],
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  let first = 0;
  let skip = begin;
  for (; first < all.length && skip >= Number(all[first]!.num_rows); first++)
    skip -= Number(all[first]!.num_rows);
  const groups = all.slice(first);
  const cursors = cursorsOf(groups);
  let left = groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  while (left > 0) {
    const count = Math.min(left, skip > 0 ? Math.min(skip, BATCH_ROWS) : BATCH_ROWS);
    const values: (readonly [string, unknown[]])[] = [];
    for (const [name, cursor] of cursors) values.push([name, await cursor.take(count)]);
    left -= count;
    if (skip > 0) {
      skip -= count;
      continue;
    }
    for (let row = 0; row < count; row++) {
      yield Object.fromEntries(values.map(([name, column]) => [name, column[row]]));
    }
  }
}

function typeOf({ type, converted_type: converted }: SchemaElement): ColumnType {
  const isPlain = converted === undefined || /^U?INT_/.test(converted);
  if (type === "BOOLEAN") return "boolean";
  if (type === "FLOAT" || type === "DOUBLE") return "double";
  return (type === "INT32" || type === "INT64") && isPlain ? "int64" : "string";
}
