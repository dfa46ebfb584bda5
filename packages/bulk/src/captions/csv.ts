/** Captions in a column of comma-separated values with a line of names (RFC 4180; quoted fields may hold line ends). */
import { pipeline, Readable } from "node:stream";
import { chunksOf } from "@textower/vector-files";
import type { ByteSource } from "@textower/weights";
import { CsvError, parse } from "csv-parse";
import { BulkError } from "../errors.js";
import type { CaptionFile, Mark } from "./caption-file.js";
import { MAX_RECORD_BYTES } from "./lines.js";
import { chooseTextColumn, textOf } from "./text-column.js";

/** Rejects with BulkError `bad-input` for a file without the column, or with what the source rejects with. */
export async function openCsvCaptions(
  source: ByteSource,
  textColumn: string | undefined,
  signal?: AbortSignal,
): Promise<CaptionFile> {
  const { name } = source;
  let columns: readonly string[] | undefined;
  let begin: Mark = { record: 0, offset: 0 };
  for await (const { values, end } of records(source, begin, undefined, signal)) {
    columns = values;
    begin = { record: 0, offset: end };
    break;
  }
  if (columns === undefined)
    throw new BulkError("bad-input", `${name}: expected a line of column names, got an empty file`);
  const twice = columns.find((column, i) => columns!.indexOf(column) !== i);
  if (twice !== undefined)
    throw new BulkError("bad-input", `${name}: expected each column once, got ${twice} again`);
  const column = chooseTextColumn(name, columns, textColumn);
  const names = columns;
  return {
    format: "csv",
    name,
    textColumn: column,
    columns: names.map((each) => ({ name: each, type: "string" })),
    begin,
    async *read(from, signal) {
      let { record } = from;
      for await (const { values, end } of records(source, from, names.length, signal)) {
        const where = `${name}, record ${++record}`;
        const fields = Object.fromEntries(names.map((each, i) => [each, values[i]]));
        yield {
          text: textOf(fields[column], column, where),
          fields,
          where,
          next: { record, offset: from.offset + end },
        };
      }
    },
  };
}

interface CsvRecord {
  readonly values: readonly string[];
  /** Bytes from the mark to its end. */
  readonly end: number;
}

async function* records(
  source: ByteSource,
  from: Mark,
  width: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<CsvRecord, void, undefined> {
  const { name } = source;
  const options = {
    bom: from.offset === 0,
    info: true,
    maxRecordSize: MAX_RECORD_BYTES,
    relax_column_count: true,
  } as const;
  const parser = parse(options);
  pipeline(Readable.from(checkedChunks(source, from, signal)), parser, () => undefined); // the parser throws what fails
  let number = from.record;
  try {
    for await (const each of parser) {
      const { record: values, info } = each as { record: string[]; info: { bytes: number } };
      number++;
      if (width !== undefined && values.length !== width) {
        throw new BulkError(
          "bad-input",
          `${name}, record ${number}: expected ${width} fields, got ${values.length}`,
        );
      }
      yield { values, end: info.bytes };
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new BulkError(
      "bad-input",
      `${name}, after record ${number}: expected CSV, got another thing: ${cause.message}`,
      { cause },
    );
  }
}

/** Chunks that are valid UTF-8; csv-parse would replace what is not. */
async function* checkedChunks(
  source: ByteSource,
  from: Mark,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const check = (chunk?: Uint8Array): void => {
    try {
      if (chunk === undefined) decoder.decode();
      else decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw new BulkError("bad-input", `${source.name}: expected UTF-8, got other bytes`, { cause });
    }
  };
  for await (const chunk of chunksOf(source, { begin: from.offset, signal })) {
    check(chunk);
    yield chunk.slice(); // the parser may keep it beyond this turn
  }
  check();
}
