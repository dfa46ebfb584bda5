/** Opens a file of vectors of whatever format, from wherever its bytes lie. The reader of Parquet is loaded when needed. */
import { blobSource, bufferSource, fileSource, httpSource } from "@textower/weights";
import type { ByteSource } from "@textower/weights";
import { VectorFileError } from "./errors.js";
import { openJsonl } from "./jsonl/read.js";
import { NPY_MAGIC, openNpy } from "./npy/read.js";
import type { ParquetTable } from "./parquet/table.js";
import { openSafetensorsVectors } from "./safetensors.js";
import { VECTOR_FORMATS } from "./vector-file.js";
import type { VectorFile, VectorFormat } from "./vector-file.js";

/** A path, an `http(s):` or `file:` URL, a Blob, bytes, or anything that reads bytes. */
export type VectorSource = string | URL | Blob | ArrayBuffer | Uint8Array | ByteSource;

/** Options of `openVectorFile`. */
export interface OpenVectorFileOptions {
  /** Default: what the first bytes say. */
  readonly format?: VectorFormat | undefined;
  /** The tensor, column or field of the vectors; default: the only one that can be meant. */
  readonly vectors?: string | undefined;
  /** The column or field of the ids, in Parquet and JSON Lines; default "id" where there is one. */
  readonly ids?: string | undefined;
  /** Which other columns or fields come along as metadata; default all. Those that a file does not have are left out. */
  readonly columns?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a file of vectors and reads its header. The file holds its source until `close`.
 *
 * Rejects with VectorFileError, SafetensorsError, ByteSourceError or HttpError, or with the signal's reason; the source is
 * closed then.
 * @example
 * const file = await openVectorFile("image-embeddings.npy");
 * for await (const { count, data } of file.batches()) index.add(data, count);
 * await file.close();
 */
export async function openVectorFile(
  from: VectorSource,
  options: OpenVectorFileOptions = {},
): Promise<VectorFile> {
  const source = await sourceOf(from, options.signal);
  try {
    return await open(source, options);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function open(source: ByteSource, options: OpenVectorFileOptions): Promise<VectorFile> {
  const { signal, format = await formatOf(source, signal) } = options;
  switch (format) {
    case "npy":
      return openNpy(source, signal);
    case "safetensors":
      return openSafetensorsVectors(source, options.vectors, signal);
    case "jsonl":
      return openJsonl(source, options, signal);
    case "parquet": {
      const { openParquetVectors } = await import("./parquet/read.js");
      return openParquetVectors(source, options, signal);
    }
    default:
      throw new VectorFileError(
        "unknown-format",
        `${source.name}: expected format ${VECTOR_FORMATS.join(", ")}, got ${String(format satisfies never)}`,
      );
  }
}

/** Enough for every format's first bytes. */
const PROBE_BYTES = 64;

async function formatOf(source: ByteSource, signal: AbortSignal | undefined): Promise<VectorFormat> {
  const bytes = new Uint8Array(Math.min(PROBE_BYTES, source.size));
  await source.read(0, bytes, signal);
  const text = String.fromCharCode(...bytes);
  if (text.startsWith(NPY_MAGIC)) return "npy";
  if (text.startsWith("PAR1")) return "parquet";
  if (text[8] === "{" && bytes[7] === 0) return "safetensors"; // after a length of eight bytes
  if (/^(?:\xef\xbb\xbf)?\s*[{[]/.test(text)) return "jsonl";
  const extension = /\.(\w+)$/.exec(source.name)?.[1]?.toLowerCase();
  if (extension === "jsonl" && source.size === 0) return "jsonl";
  throw new VectorFileError(
    "unknown-format",
    `${source.name}: expected the first bytes of npy, safetensors, Parquet or JSON Lines, got others`,
  );
}

async function sourceOf(from: VectorSource, signal: AbortSignal | undefined): Promise<ByteSource> {
  if (typeof from === "string" || from instanceof URL) {
    const isRemote = typeof from === "string" ? /^https?:\/\//i.test(from) : from.protocol !== "file:";
    return isRemote ? httpSource(from, signal === undefined ? {} : { signal }) : fileSource(from);
  }
  if (from instanceof Blob) return blobSource(from);
  if (from instanceof ArrayBuffer || from instanceof Uint8Array) return bufferSource(from);
  return from;
}

/** Opens the flat columns of a Parquet file as rows; see `ParquetTable`. The source stays the caller's. */
export async function openParquetTable(source: ByteSource, signal?: AbortSignal): Promise<ParquetTable> {
  const parquet = await import("./parquet/table.js");
  return parquet.openParquetTable(source, signal);
}
