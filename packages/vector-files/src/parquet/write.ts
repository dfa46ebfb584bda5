/**
 * Writes Parquet: the vectors as a column of lists of floats, ids and other columns beside it, compressed with Snappy but
 * for the vectors, which it does not make smaller. Row groups are cut by row, so that batches leave no trace in the file.
 *
 * Columns are encoded by hyparquet-writer, one by one: its `write` would want each vector as a list of its own, which takes
 * ten times the memory.
 */
import { parquetSchema } from "hyparquet";
import type { DecodedArray, SchemaElement } from "hyparquet";
import { getTreePath } from "hyparquet/src/schema.js";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { writeColumn } from "hyparquet-writer/src/column.js";
import { encodeNestedValues } from "hyparquet-writer/src/dremel.js";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { VectorFileError } from "../errors.js";
import { checkedBatch } from "../vector-writer.js";
import type { ByteSink, ColumnDeclaration, VectorWriter, WriterOptions } from "../vector-writer.js";

/** Numbers of a row group, which is held in memory: 4 MiB, and as much again while it is written. */
const GROUP_NUMBERS = 2 ** 20;
/** Rows of a group of narrow vectors. */
const MAX_GROUP_ROWS = 2 ** 14;
/** Bytes of a page, about. */
const PAGE_BYTES = 2 ** 20;

/** See `createVectorWriter`. */
export function parquetWriter(
  sink: ByteSink,
  { dimension, count, vectors = "embedding", ids, columns = [], description = {} }: WriterOptions,
): VectorWriter {
  const names = [vectors, ...(ids === undefined ? [] : [ids]), ...columns.map(({ name }) => name)];
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new VectorFileError("bad-batch", `parquet: expected each column once, got ${twice} again`);
  const bytes = new ByteWriter();
  const parquet = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(vectors, ids, columns),
    createdBy: "textower",
    kvMetadata: Object.entries(description).map(([key, value]) => ({ key, value })),
  });
  const groupRows = Math.max(1, Math.min(MAX_GROUP_ROWS, Math.floor(GROUP_NUMBERS / dimension)));
  const group = new Float32Array(groupRows * dimension); // [groupRows, dimension]
  let rows = 0;
  let idValues: string[] = [];
  let values: unknown[][] = columns.map(() => []);
  let written = 0;

  const drain = async (): Promise<void> => {
    const chunk = bytes.getBytes().slice();
    bytes.index = 0;
    await sink.write(chunk);
  };
  const writeGroup = async (): Promise<void> => {
    writeRowGroup(parquet, rows, [
      {
        path: [vectors, "list", "element"],
        page: vectorPage(group.subarray(0, rows * dimension), dimension),
      },
      ...(ids === undefined ? [] : [{ path: [ids], rows: idValues }]),
      ...columns.map(({ name }, i) => ({ path: [name], rows: values[i]! })),
    ]);
    [rows, idValues, values] = [0, [], columns.map(() => [])];
    await drain();
  };
  return {
    async write(batch) {
      checkedBatch("parquet", batch, dimension);
      if (ids !== undefined && batch.ids === undefined) {
        throw new VectorFileError("bad-batch", `parquet: expected ids for the column ${ids}, got none`);
      }
      for (let row = 0; row < batch.count; row++) {
        group.set(batch.data.subarray(row * dimension, (row + 1) * dimension), rows * dimension);
        if (ids !== undefined) idValues.push(batch.ids![row]!);
        columns.forEach((column, i) =>
          values[i]!.push(valueFor(column, batch.metadata?.[row]?.[column.name])),
        );
        written++;
        if (++rows === groupRows) await writeGroup();
      }
    },
    async finish() {
      if (count !== undefined && count !== written) {
        throw new VectorFileError(
          "bad-batch",
          `parquet: expected ${count} vectors, as was said at first, got ${written}`,
        );
      }
      if (rows > 0) await writeGroup();
      await parquet.finish();
      await drain();
    },
  };
}

/** What hyparquet-writer encodes: values, and levels that say where rows begin and what is there. */
type PageData = Parameters<typeof writeColumn>[0]["pageData"];

/** A leaf column of a row group: as pages want it, or a value a row. */
type ColumnData = { readonly path: readonly string[] } & (
  | { readonly page: PageData }
  | { readonly rows: unknown[] }
);

/** As `ParquetWriter.write` does for one row group. */
function writeRowGroup(parquet: ParquetWriter, rows: number, data: readonly ColumnData[]): void {
  const begin = parquet.writer.offset;
  const root = parquetSchema({ schema: parquet.schema });
  const columns = data.map((each) => {
    const path = getTreePath(root, [...each.path]);
    const isVectors = "page" in each;
    const result = writeColumn({
      writer: parquet.writer,
      column: {
        columnName: each.path.join("."),
        element: path.at(-1)!.element,
        schemaPath: path.map(({ element }) => element),
        codec: isVectors ? "UNCOMPRESSED" : "SNAPPY",
        compressors: { SNAPPY: snappyCompress },
        stats: false,
        pageSize: PAGE_BYTES,
        columnIndex: false,
        offsetIndex: true,
        ...(isVectors && { encoding: "PLAIN" }),
      },
      pageData: isVectors ? each.page : encodeNestedValues(path, each.rows as DecodedArray),
    });
    parquet.pendingIndexes.push(result);
    return result.chunk;
  });
  parquet.num_rows += BigInt(rows);
  parquet.row_groups.push({
    columns,
    total_byte_size: columns.reduce(
      (sum, { meta_data: meta }) => sum + (meta?.total_uncompressed_size ?? 0n),
      0n,
    ),
    num_rows: BigInt(rows),
    total_compressed_size: BigInt(parquet.writer.offset - begin),
  });
}

/** @param data - [rows, dimension] */
function vectorPage(data: Float32Array, dimension: number): PageData {
  const repetitionLevels = new Uint8Array(data.length).fill(1);
  for (let at = 0; at < data.length; at += dimension) repetitionLevels[at] = 0;
  // Typed arrays do where lists are declared: only `length`, elements and `slice` are used.
  const levels = { definitionLevels: new Uint8Array(data.length).fill(1), repetitionLevels };
  return {
    values: data,
    maxDefinitionLevel: 1,
    ...(levels as unknown as Pick<PageData, "definitionLevels" | "repetitionLevels">),
  };
}

const TYPES: Readonly<Record<ColumnDeclaration["type"], Partial<SchemaElement>>> = {
  string: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  int64: { type: "INT64" },
  double: { type: "DOUBLE" },
  boolean: { type: "BOOLEAN" },
};

function schemaOf(
  vectors: string,
  ids: string | undefined,
  columns: readonly ColumnDeclaration[],
): SchemaElement[] {
  return [
    {
      name: "schema",
      num_children: 1 + (ids === undefined ? 0 : 1) + columns.length,
      repetition_type: "REQUIRED",
    },
    {
      name: vectors,
      num_children: 1,
      repetition_type: "REQUIRED",
      converted_type: "LIST",
      logical_type: { type: "LIST" },
    },
    { name: "list", num_children: 1, repetition_type: "REPEATED" },
    { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
    ...(ids === undefined
      ? []
      : [{ name: ids, repetition_type: "REQUIRED", ...TYPES.string } as SchemaElement]),
    ...columns.map(
      ({ name, type }) => ({ name, repetition_type: "OPTIONAL", ...TYPES[type] }) as SchemaElement,
    ),
  ];
}

/** @throws VectorFileError for a value that its column cannot hold */
function valueFor({ name, type }: ColumnDeclaration, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "string":
      if (typeof value === "string") return value;
      return value instanceof Date ? value.toISOString() : JSON.stringify(value);
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
    case "double":
      if (typeof value === "number") return value;
      break;
    case "int64":
      if (typeof value === "bigint") return value;
      if (Number.isSafeInteger(value) || (typeof value === "string" && /^-?\d{1,19}$/.test(value))) {
        return BigInt(value as number | string);
      }
      break;
    default:
      void (type satisfies never);
  }
  const message = `parquet: expected ${type} values in the column ${name}, got ${JSON.stringify(value)}`;
  throw new VectorFileError("bad-batch", message);
}
