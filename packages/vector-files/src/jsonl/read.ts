/**
 * Opens JSON Lines of vectors: an object a line, with a list of numbers in one of its fields, or the bare list. Empty
 * lines are skipped.
 */
import type { ByteSource } from "@textower/weights";
import { checkDimension, checkFinite, VectorFileError } from "../errors.js";
import { chunksOf, splitLines } from "../lines.js";
import { batchRows } from "../vector-file.js";
import type { BatchOptions, VectorBatch, VectorFile } from "../vector-file.js";

/** Which fields hold what. */
export interface JsonlOptions {
  readonly vectors?: string | undefined;
  readonly ids?: string | undefined;
  readonly columns?: readonly string[] | undefined;
}

/** The fields of a file. */
interface Layout {
  readonly field: string | undefined;
  readonly ids: string | undefined;
  readonly columns: readonly string[] | undefined;
  readonly dimension: number;
}

/** Longest line: 65,536 numbers of 20 characters fit many times. */
const MAX_LINE_BYTES = 2 ** 24;

interface Row {
  readonly vector: readonly number[];
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  /** For messages. */
  readonly where: string;
}

/** Rejects with VectorFileError for a first line that is no vector, or with what the source rejects with. */
export async function openJsonl(
  source: ByteSource,
  options: JsonlOptions,
  signal?: AbortSignal,
): Promise<VectorFile> {
  let first: Row | undefined;
  let field = options.vectors;
  for await (const line of parsedLines(source, signal)) {
    field ??= vectorField(line.value, line.where);
    first = rowOf(line, field);
    break;
  }
  const dimension = first?.vector.length ?? 0;
  if (first !== undefined) checkDimension(`${first.where}`, dimension);
  const ids = options.ids ?? (first?.fields !== undefined && "id" in first.fields ? "id" : undefined);
  return {
    format: "jsonl",
    name: source.name,
    count: undefined,
    dimension,
    dtype: "json",
    batches: (batchOptions = {}) =>
      readRows(source, { field, ids, columns: options.columns, dimension }, batchOptions),
    close: () => source.close(),
  };
}

async function* readRows(
  source: ByteSource,
  layout: Layout,
  options: BatchOptions,
): AsyncGenerator<VectorBatch, void, undefined> {
  const size = batchRows(options, layout.dimension);
  let rows: Row[] = [];
  let done = 0;
  const batch = (): VectorBatch => {
    const made = batchOf(source.name, rows, layout, done);
    [rows, done] = [[], done + rows.length];
    return made;
  };
  for await (const line of parsedLines(source, options.signal)) {
    const row = rowOf(line, layout.field);
    if (row.vector.length !== layout.dimension) {
      const message = `${row.where}: expected ${layout.dimension} numbers, as in the first row, got ${row.vector.length}`;
      throw new VectorFileError("bad-row", message);
    }
    if (rows.push(row) === size) yield batch();
  }
  if (rows.length > 0) yield batch();
}

function batchOf(
  name: string,
  rows: readonly Row[],
  { field, ids, columns, dimension }: Layout,
  firstRow: number,
): VectorBatch {
  const data = new Float32Array(rows.length * dimension); // [rows, dimension]
  rows.forEach(({ vector }, i) => data.set(vector, i * dimension));
  checkFinite(name, data, dimension, firstRow);
  const batch = { count: rows.length, dimension, data };
  if (rows[0]!.fields === undefined) return batch;
  const metadata = rows.map(({ fields }) =>
    Object.fromEntries(
      Object.entries(fields ?? {}).filter(
        ([key]) => key !== field && key !== ids && (columns?.includes(key) ?? true),
      ),
    ),
  );
  return {
    ...batch,
    ...(ids !== undefined && { ids: rows.map((row) => idOf(row, ids)) }),
    ...(metadata.some((row) => Object.keys(row).length > 0) && { metadata }),
  };
}

function idOf({ fields, where }: Row, field: string): string {
  const id = fields?.[field];
  if (typeof id === "string" || typeof id === "number") return String(id);
  throw new VectorFileError(
    "bad-row",
    `${where}: expected a string or number as ${field}, got ${kindOf(id)}`,
  );
}

interface ParsedLine {
  readonly value: unknown;
  readonly where: string;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

async function* parsedLines(
  source: ByteSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<ParsedLine, void, undefined> {
  const { name } = source;
  const lines = splitLines(chunksOf(source, { signal }), {
    maxBytes: MAX_LINE_BYTES,
    tooLong: (line) =>
      new VectorFileError(
        "too-large",
        `${name}, line ${line}: expected at most ${MAX_LINE_BYTES} bytes, got more`,
      ),
  });
  let number = 0;
  for await (const { bytes } of lines) {
    const where = `${name}, line ${++number}`;
    let value: unknown;
    try {
      const text = UTF8.decode(bytes);
      if (text.trim() === "") continue;
      value = JSON.parse(text);
    } catch (cause) {
      throw new VectorFileError("bad-row", `${where}: expected JSON in UTF-8, got something else`, { cause });
    }
    yield { value, where };
  }
}

/** The one field that holds a list of numbers; undefined for a line that is such a list. */
function vectorField(value: unknown, where: string): string | undefined {
  if (Array.isArray(value)) return undefined;
  const fields = Object.entries(objectOf(value, where)).filter(([, each]) => isNumbers(each));
  if (fields.length === 1) return fields[0]![0];
  const names = fields.map(([name]) => name).join(", ");
  throw new VectorFileError(
    fields.length === 0 ? "no-vectors" : "ambiguous",
    `${where}: expected one field with a list of numbers${names === "" ? "" : ", or its name"}, got ${names || "none"}`,
  );
}

function rowOf({ value, where }: ParsedLine, field: string | undefined): Row {
  const fields = field === undefined ? undefined : objectOf(value, where);
  const vector = field === undefined ? value : fields![field];
  if (isNumbers(vector)) return { vector, fields, where };
  const place = field === undefined ? "a list of numbers" : `a list of numbers as ${field}`;
  throw new VectorFileError("bad-row", `${where}: expected ${place}, got ${kindOf(vector)}`);
}

function objectOf(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new VectorFileError(
    "bad-row",
    `${where}: expected an object or a list of numbers, got ${kindOf(value)}`,
  );
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((each) => typeof each === "number");
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list of other things";
  return value === null ? "null" : value === undefined ? "nothing" : `a ${typeof value}`;
}
