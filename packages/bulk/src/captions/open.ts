/** Opens a file of captions of whatever format. */
import { openParquetTable, VectorFileError } from "@textower/vector-files";
import type { ByteSource } from "@textower/weights";
import { BulkError } from "../errors.js";
import { CAPTION_FORMATS } from "./caption-file.js";
import type { CaptionFile, CaptionFormat } from "./caption-file.js";
import { openCsvCaptions } from "./csv.js";
import { openJsonlCaptions, openTextCaptions } from "./lines.js";
import { chooseTextColumn, textOf } from "./text-column.js";

/** The format that a file's name stands for. @throws BulkError `bad-option` for other names */
export function captionFormatOf(path: string): CaptionFormat {
  const format = CAPTION_FORMATS.find((each) => path.toLowerCase().endsWith(`.${each}`));
  if (format !== undefined) return format;
  throw new BulkError(
    "bad-option",
    `${path}: expected a name that ends in .${CAPTION_FORMATS.join(", .")}, or a format`,
  );
}

/**
 * @param source - stays the caller's
 * Rejects with BulkError, VectorFileError, or with what the source rejects with.
 */
export function openCaptions(
  source: ByteSource,
  format: CaptionFormat,
  textColumn: string | undefined,
  signal?: AbortSignal,
): Promise<CaptionFile> {
  switch (format) {
    case "txt":
      return Promise.resolve(openTextCaptions(source));
    case "jsonl":
      return openJsonlCaptions(source, textColumn, signal);
    case "csv":
      return openCsvCaptions(source, textColumn, signal);
    case "parquet":
      return openParquetCaptions(source, textColumn, signal);
    default:
      throw new BulkError(
        "bad-option",
        `expected format ${CAPTION_FORMATS.join(", ")}, got ${String(format satisfies never)}`,
      );
  }
}

async function openParquetCaptions(
  source: ByteSource,
  textColumn: string | undefined,
  signal?: AbortSignal,
): Promise<CaptionFile> {
  const { name } = source;
  const table = await openParquetTable(source, signal).catch((cause: unknown) => {
    throw cause instanceof VectorFileError ? new BulkError("bad-input", cause.message, { cause }) : cause;
  });
  const names = table.columns.map((column) => column.name);
  const column = chooseTextColumn(name, names, textColumn);
  return {
    format: "parquet",
    name,
    textColumn: column,
    columns: table.columns,
    begin: { record: 0, offset: 0 },
    async *read(from, signal) {
      let { record } = from;
      for await (const fields of table.rows({ begin: from.record, signal })) {
        const where = `${name}, row ${++record}`;
        yield { text: textOf(fields[column], column, where), fields, where, next: { record, offset: 0 } };
      }
    },
  };
}
