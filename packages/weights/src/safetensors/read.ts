/**
 * Opens a safetensors file: its header is read and held against every rule of the format before anything else is
 * believed or allocated.
 *
 * Sources: safetensors README, section "Format"; `safetensors/src/tensor.rs`.
 */
import type { ByteSource } from "../sources/byte-source.js";
import { readAheadSource } from "../sources/read-ahead.js";
import { entryOf, rowsOf, TensorFileError } from "../tensor-file.js";
import type { TensorEntry, TensorFile } from "../tensor-file.js";
import { DTYPE_BITS, isSafetensorsDtype } from "./dtypes.js";
import { SafetensorsError } from "./errors.js";
import { parseHeader, shorten } from "./json.js";
import type { HeaderEntry } from "./json.js";

/** Bytes of the little-endian unsigned header length at the start of a file. */
const LENGTH_BYTES = 8;
/** Largest header, in bytes: `MAX_HEADER_SIZE` in `tensor.rs`. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Opens a safetensors file.
 * @param source - closed by the file's `close()`; if opening fails it stays open
 * Rejects with SafetensorsError, with what the source rejects with, or with the signal's reason.
 */
export async function openSafetensors(
  source: ByteSource,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<TensorFile> {
  const { name, size } = source;
  const { entries, begins, metadata } = await readHeader(source, options.signal).catch((error: unknown) => {
    throw error instanceof SafetensorsError ? error.in(name) : error;
  });
  const ahead = source.isRemote ? readAheadSource(source) : undefined;
  const file: TensorFile = {
    format: "safetensors",
    name,
    size,
    entries,
    metadata,
    async readInto(tensorName, into, rows, signal) {
      const { bytes, shape } = entryOf(file, tensorName);
      const range = rowsOf(tensorName, shape, rows);
      const total = shape[0] ?? 1;
      const rowBytes = total === 0 ? 0 : bytes / total;
      const offset = begins.get(tensorName)! + range.begin * rowBytes;
      const length = (range.end - range.begin) * rowBytes;
      if (into.length !== length || !Number.isInteger(offset)) {
        const message = `${name}: ${tensorName}: expected an array of ${length} bytes, got ${into.length}`;
        throw new TensorFileError("bad-length", message);
      }
      await (ahead ?? source).read(offset, into, signal);
    },
    announce(names) {
      ahead?.announce(
        names.map((each) => {
          const begin = begins.get(each)!;
          return { begin, end: begin + entryOf(file, each).bytes };
        }),
      );
    },
    close: () => (ahead ?? source).close(),
  };
  return file;
}

interface Header {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** Where each tensor begins in the file. */
  readonly begins: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
}

async function readHeader(source: ByteSource, signal: AbortSignal | undefined): Promise<Header> {
  const bytes = await readHeaderBytes(source, signal);
  const { entries, metadata } = parseHeader(decode(bytes));
  const dataBegin = LENGTH_BYTES + bytes.length;
  return { ...checkEntries(entries, source.size - dataBegin, dataBegin), metadata };
}

async function readHeaderBytes(source: ByteSource, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const { size } = source;
  if (size < LENGTH_BYTES) {
    throw new SafetensorsError("too-short", `expected a file of at least ${LENGTH_BYTES} bytes, got ${size}`);
  }
  const prefix = new Uint8Array(LENGTH_BYTES);
  await source.read(0, prefix, signal);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new SafetensorsError(
      "header-too-large",
      `expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${length}`,
    );
  }
  const end = LENGTH_BYTES + Number(length);
  if (end > size) {
    throw new SafetensorsError(
      "header-beyond-file",
      `expected the header to end within the file's ${size} bytes, got ${end}`,
    );
  }
  const bytes = new Uint8Array(Number(length));
  await source.read(LENGTH_BYTES, bytes, signal);
  return bytes;
}

function decode(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SafetensorsError("header-not-utf8", "header: expected UTF-8, got other bytes");
  }
  if (text[0] !== "{") {
    const got = text === "" ? "nothing" : JSON.stringify(text.slice(0, 8));
    throw new SafetensorsError("header-start", `header: expected "{" as its first byte, got ${got}`);
  }
  return text;
}

/** @returns name → entry, and where in the file each begins */
function checkEntries(
  written: ReadonlyMap<string, HeaderEntry>,
  dataBytes: number,
  dataBegin: number,
): Omit<Header, "metadata"> {
  const entries = new Map<string, TensorEntry>();
  const begins = new Map<string, number>();
  const spans: { name: string; begin: number; end: number }[] = [];
  for (const [name, { dtype, shape, offsets }] of written) {
    const [begin, end] = checkEntry(`"${shorten(name)}"`, dtype, shape, offsets);
    spans.push({ name, begin, end });
    entries.set(name, { dtype, shape, bytes: end - begin });
    begins.set(name, dataBegin + begin);
  }
  spans.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let previous = 0;
  for (const { name, begin, end } of spans) {
    if (begin !== previous) {
      throw new SafetensorsError(
        begin < previous ? "overlap" : "hole",
        `"${shorten(name)}": expected data to begin at ${previous}, where the tensor before it ends, got ${begin}`,
      );
    }
    previous = end;
  }
  if (previous !== dataBytes) {
    throw new SafetensorsError(
      previous > dataBytes ? "truncated" : "trailing-bytes",
      `expected ${previous} bytes of data after the header, got ${dataBytes}`,
    );
  }
  return { entries, begins };
}

/** One tensor by itself: element type, size and offsets agree. */
function checkEntry(
  label: string,
  dtype: string,
  shape: readonly number[],
  offsets: readonly number[],
): [begin: number, end: number] {
  if (!isSafetensorsDtype(dtype)) {
    throw new SafetensorsError("unknown-dtype", `${label}: expected a known dtype, got "${shorten(dtype)}"`);
  }
  const [begin, end] = offsets;
  if (offsets.length !== 2 || begin === undefined || end === undefined || end < begin) {
    const got = `[${offsets.slice(0, 4).join(", ")}${offsets.length > 4 ? ", …" : ""}]`;
    throw new SafetensorsError(
      "bad-offsets",
      `${label}: expected data_offsets [begin, end ≥ begin], got ${got}`,
    );
  }
  // Exact as long as no partial product leaves the safe integers, which is what is checked (a later 0 does not excuse it).
  let bits: number = DTYPE_BITS[dtype];
  for (const dimension of shape) {
    bits *= dimension;
    if (!Number.isSafeInteger(bits)) {
      throw new SafetensorsError(
        "overflow",
        `${label}: expected at most 2^53 - 1 bits, got ${describe(dtype, shape)}`,
      );
    }
  }
  if (bits % 8 !== 0) {
    throw new SafetensorsError("partial-byte", `${label}: expected whole bytes, got ${bits} bits`);
  }
  if (end - begin !== bits / 8) {
    throw new SafetensorsError(
      "size-mismatch",
      `${label}: expected ${bits / 8} bytes for ${describe(dtype, shape)}, got ${end - begin}`,
    );
  }
  return [begin, end];
}

function describe(dtype: string, shape: readonly number[]): string {
  return `${dtype} [${shape.slice(0, 8).join(", ")}${shape.length > 8 ? ", …" : ""}]`;
}
