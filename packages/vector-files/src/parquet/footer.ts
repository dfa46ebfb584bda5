/** The footer of a Parquet file: what is in it, and where. */
import type { ByteSource } from "@textower/weights";
import { parquetMetadata, parquetSchema } from "hyparquet";
import type { RowGroup, SchemaTree } from "hyparquet";
import { VectorFileError } from "../errors.js";
import { thriftLength } from "./thrift.js";

/** "PAR1", at both ends. */
const MAGIC = 0x31524150;
const FOOTER_BYTES = 8;

/** What of a footer is used. */
export interface Footer {
  readonly root: SchemaTree;
  readonly groups: readonly RowGroup[];
  /** Rows of all groups. */
  readonly count: number;
}

/** Rejects with VectorFileError `bad-header`, or with what the source rejects with. */
export async function readFooter(source: ByteSource, signal: AbortSignal | undefined): Promise<Footer> {
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
    const metadata = parquetMetadata(footer, { geoparquet: false });
    const groups = metadata.row_groups;
    const count = groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
    if (!groups.every(({ num_rows: rows }) => rows >= 0n) || !Number.isSafeInteger(count)) {
      throw new RangeError("its row groups have no numbers of rows");
    }
    return { root: parquetSchema(metadata), groups, count };
  } catch (cause) {
    throw bad(`expected a footer that can be read, got other bytes: ${reason(cause)}`, cause);
  }
}

/** What an error says. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
