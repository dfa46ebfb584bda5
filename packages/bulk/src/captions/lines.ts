/** Captions of which one is a line: plain text, or JSON Lines. */
import { chunksOf, splitLines } from "@textower/vector-files";
import type { ByteSource } from "@textower/weights";
import { BulkError } from "../errors.js";
import type { Caption, CaptionFile, Mark } from "./caption-file.js";
import { chooseTextColumn, textOf } from "./text-column.js";

/** A longer line is no caption, in bytes. */
export const MAX_RECORD_BYTES = 2 ** 24;

/** A text a line. An empty line is an empty text; the end of the last line begins no further one. */
export function openTextCaptions(source: ByteSource): CaptionFile {
  return {
    format: "txt",
    name: source.name,
    textColumn: "text",
    columns: [{ name: "text", type: "string" }],
    begin: { record: 0, offset: 0 },
    async *read(from, signal) {
      for await (const { text, where, next } of decodedLines(source, from, signal)) {
        yield { text, fields: { text }, where, next };
      }
    },
  };
}

/**
 * A JSON string or an object a line.
 * @param textColumn - the field of the texts; default text or caption
 * Rejects with BulkError `bad-input` if the first line has no such field.
 */
export async function openJsonlCaptions(
  source: ByteSource,
  textColumn: string | undefined,
  signal?: AbortSignal,
): Promise<CaptionFile> {
  const begin: Mark = { record: 0, offset: 0 };
  let column = textColumn ?? "text";
  for await (const line of decodedLines(source, begin, signal)) {
    const record = parsed(line);
    if (typeof record !== "string") column = chooseTextColumn(line.where, Object.keys(record), textColumn);
    break;
  }
  return {
    format: "jsonl",
    name: source.name,
    textColumn: column,
    columns: undefined,
    begin,
    async *read(from, signal) {
      for await (const line of decodedLines(source, from, signal)) {
        const record = parsed(line);
        const fields = typeof record === "string" ? { [column]: record } : record;
        if (!(column in fields)) chooseTextColumn(line.where, Object.keys(fields), column);
        yield {
          text: textOf(fields[column], column, line.where),
          fields,
          where: line.where,
          next: line.next,
        };
      }
    },
  };
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const BYTE_ORDER_MARK = "\ufeff";

async function* decodedLines(
  source: ByteSource,
  from: Mark,
  signal: AbortSignal | undefined,
): AsyncGenerator<Pick<Caption, "text" | "where" | "next">, void, undefined> {
  const { name } = source;
  let { record } = from;
  const lines = splitLines(chunksOf(source, { begin: from.offset, signal }), {
    maxBytes: MAX_RECORD_BYTES,
    tooLong: (line) =>
      new BulkError(
        "bad-input",
        `${name}, line ${from.record + line}: expected at most ${MAX_RECORD_BYTES} bytes, got more`,
      ),
  });
  for await (const { bytes, end } of lines) {
    const where = `${name}, line ${++record}`;
    let text: string;
    try {
      text = UTF8.decode(bytes);
    } catch (cause) {
      throw new BulkError("bad-input", `${where}: expected UTF-8, got other bytes`, { cause });
    }
    if (record === 1 && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    yield { text, where, next: { record, offset: from.offset + end } };
  }
}

function parsed({ text, where }: Pick<Caption, "text" | "where">): string | Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BulkError("bad-input", `${where}: expected a JSON string or object, got no JSON`, { cause });
  }
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  const got = Array.isArray(value) ? "a list" : value === null ? "null" : `a ${typeof value}`;
  throw new BulkError("bad-input", `${where}: expected a JSON string or object, got ${got}`);
}
