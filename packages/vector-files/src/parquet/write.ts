/**
 * Writes Parquet: the vectors as a column of lists of floats, ids and other columns beside it, compressed with Snappy but
 * for the vectors, which it does not make smaller. Row groups are cut by row, so that batches leave no trace in the file.
 */
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { ColumnSource } from "hyparquet-writer";
import type { SchemaElement } from "hyparquet";
import { VectorFileError } from "../errors.js";
import { checkedBatch } from "../vector-writer.js";
import type { ByteSink, ColumnDeclaration, VectorWriter, WriterOptions } from "../vector-writer.js";

/** Numbers of a row group: it is held in memory, with some 40 bytes a number while it is written. */
const GROUP_NUMBERS = 2 ** 20;
/** Rows of a group of narrow vectors. */
const MAX_GROUP_ROWS = 2 ** 14;

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
    statistics: false,
    createdBy: "textower",
    kvMetadata: Object.entries(description).map(([key, value]) => ({ key, value })),
  });
  const groupRows = Math.max(1, Math.min(MAX_GROUP_ROWS, Math.floor(GROUP_NUMBERS / dimension)));
  let rows: number[][] = [];
  let idValues: string[] = [];
  let values: unknown[][] = columns.map(() => []);
  let written = 0;

  const drain = async (): Promise<void> => {
    const chunk = bytes.getBytes().slice();
    bytes.index = 0;
    await sink.write(chunk);
  };
  const writeGroup = async (): Promise<void> => {
    const columnData: ColumnSource[] = [
      { name: vectors, data: rows, encoding: "PLAIN", codec: "UNCOMPRESSED" },
      ...(ids === undefined ? [] : [{ name: ids, data: idValues }]),
      ...columns.map(({ name }, i) => ({ name, data: values[i]! })),
    ];
    await parquet.write({ columnData, rowGroupSize: groupRows });
    [rows, idValues, values] = [[], [], columns.map(() => [])];
    await drain();
  };
  return {
    async write(batch) {
      checkedBatch("parquet", batch, dimension);
      if (ids !== undefined && batch.ids === undefined) {
        throw new VectorFileError("bad-batch", `parquet: expected ids for the column ${ids}, got none`);
      }
      for (let row = 0; row < batch.count; row++) {
        rows.push(Array.from(batch.data.subarray(row * dimension, (row + 1) * dimension)));
        if (ids !== undefined) idValues.push(batch.ids![row]!);
        columns.forEach((column, i) =>
          values[i]!.push(valueFor(column, batch.metadata?.[row]?.[column.name])),
        );
        written++;
        if (rows.length === groupRows) await writeGroup();
      }
    },
    async finish() {
      if (count !== undefined && count !== written) {
        throw new VectorFileError(
          "bad-batch",
          `parquet: expected ${count} vectors, as was said at first, got ${written}`,
        );
      }
      if (rows.length > 0) await writeGroup();
      await parquet.finish();
      await drain();
    },
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
