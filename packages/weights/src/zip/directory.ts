/**
 * The directory of a zip archive: where each record lies and how it is kept. Zip64 included.
 *
 * Own code, where a library would do for anybody else: what is wanted are offsets, so that tensors are read by range;
 * the libraries decompress, and weigh twenty times as much.
 *
 * Not here: decompression, encryption, archives in several files. Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.
 */
import { PytorchError } from "../pytorch/errors.js";
import type { ByteSource } from "../sources/byte-source.js";

/** A record of an archive. */
export interface ZipEntry {
  readonly name: string;
  /** Whether its bytes lie in the file as they are. */
  readonly stored: boolean;
  /** Bytes in the file, and what they are when decompressed. */
  readonly storedBytes: number;
  readonly bytes: number;
  /** Where its local header begins. */
  readonly header: number;
  /** Bytes of the name, which the local header has again. */
  readonly nameBytes: number;
}

const END_BYTES = 22;
const END_SIGNATURE = 0x06054b50;
/** The end record, and the longest comment behind it. */
const END_SEARCH_BYTES = END_BYTES + 0xffff;
const END64_LOCATOR_BYTES = 20;
const END64_LOCATOR_SIGNATURE = 0x07064b50;
const END64_BYTES = 56;
const END64_SIGNATURE = 0x06064b50;
const CENTRAL_BYTES = 46;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_BYTES = 30;
const LOCAL_SIGNATURE = 0x04034b50;
/** Extra field with the sizes that do not fit 32 bits. */
const ZIP64_EXTRA = 0x0001;
/** A local header's zip64 field: its own header and two sizes. */
const ZIP64_EXTRA_BYTES = 20;
const PYTORCH_ALIGNMENT = 64;
const METHOD_STORED = 0;
const FLAG_ENCRYPTED = 1;
/** The largest directory that is read: some 500,000 records. The largest checkpoints have a few thousand. */
const MAX_DIRECTORY_BYTES = 32 * 2 ** 20;

/**
 * Reads the directory and holds it against the file: records lie in front of it and do not overlap.
 * @throws PytorchError `bad-zip`, `too-large`; rejects as the source does
 */
export async function readZipDirectory(
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, ZipEntry>> {
  const { begin, bytes, count } = await findDirectory(source, signal);
  if (bytes > MAX_DIRECTORY_BYTES) {
    throw new PytorchError(
      "too-large",
      `expected a directory of at most ${MAX_DIRECTORY_BYTES} bytes, got ${bytes}`,
    );
  }
  if (begin + bytes > source.size || count * CENTRAL_BYTES > bytes) {
    throw new PytorchError(
      "bad-zip",
      `expected ${count} records in a directory within the file, got ${bytes} bytes`,
    );
  }
  const directory = new Uint8Array(bytes);
  await source.read(begin, directory, signal);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { entry, end } = parseEntry(directory, at);
    if (entries.has(entry.name))
      throw new PytorchError("bad-zip", `expected each record once, got ${entry.name} twice`);
    entries.set(entry.name, entry);
    at = end;
  }
  checkOverlap([...entries.values()], begin);
  return entries;
}

/**
 * Where the bytes of a stored record begin. The local header says so; its extra field, with which PyTorch aligns
 * tensors, is another one than the directory's.
 * @throws PytorchError `compressed-record`, `bad-zip`; rejects as the source does
 */
export async function locateRecord(
  source: ByteSource,
  entry: ZipEntry,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (!entry.stored) {
    throw new PytorchError(
      "compressed-record",
      `${entry.name}: expected a record as it is, got a compressed one`,
    );
  }
  if (entry.header + LOCAL_BYTES > source.size) {
    throw new PytorchError(
      "bad-zip",
      `${entry.name}: expected its header within the file, got ${entry.header}`,
    );
  }
  const bytes = new Uint8Array(LOCAL_BYTES);
  await source.read(entry.header, bytes, signal);
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0, true) !== LOCAL_SIGNATURE) {
    throw new PytorchError(
      "bad-zip",
      `${entry.name}: expected a local header at ${entry.header}, got other bytes`,
    );
  }
  const begin = entry.header + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (begin + entry.storedBytes > source.size) {
    throw new PytorchError("bad-zip", `${entry.name}: expected ${entry.storedBytes} bytes within the file`);
  }
  return begin;
}

/**
 * Most bytes that lie between the beginning of a record's local header and its data in PyTorch's archives, which pad
 * with an extra field until the data begin at a multiple of 64 (`caffe2/serialize/inline_container.cc`).
 */
export function localHeaderBytes(entry: ZipEntry): number {
  return LOCAL_BYTES + entry.nameBytes + ZIP64_EXTRA_BYTES + 2 * PYTORCH_ALIGNMENT;
}

async function findDirectory(
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<{ begin: number; bytes: number; count: number }> {
  const tail = new Uint8Array(Math.min(source.size, END_SEARCH_BYTES));
  const tailBegin = source.size - tail.length;
  await source.read(tailBegin, tail, signal);
  const view = new DataView(tail.buffer);
  let end = tail.length - END_BYTES;
  while (end >= 0 && view.getUint32(end, true) !== END_SIGNATURE) end--;
  if (end < 0)
    throw new PytorchError("bad-zip", "expected the end of a zip directory, found none: cut short?");

  const [count, bytes, begin] = [
    view.getUint16(end + 10, true),
    view.getUint32(end + 12, true),
    view.getUint32(end + 16, true),
  ];
  if (count !== 0xffff && bytes !== 0xffffffff && begin !== 0xffffffff) return { count, bytes, begin };

  const locator = end - END64_LOCATOR_BYTES;
  if (locator < 0 || view.getUint32(locator, true) !== END64_LOCATOR_SIGNATURE)
    return { count, bytes, begin };
  const at = toNumber(view.getBigUint64(locator + 8, true), "the directory's end");
  if (at + END64_BYTES > source.size)
    throw new PytorchError("bad-zip", `expected the directory's end within the file, got ${at}`);
  const record = new Uint8Array(END64_BYTES);
  await source.read(at, record, signal);
  const end64 = new DataView(record.buffer);
  if (end64.getUint32(0, true) !== END64_SIGNATURE) {
    throw new PytorchError("bad-zip", `expected a zip64 directory's end at ${at}, got other bytes`);
  }
  return {
    count: toNumber(end64.getBigUint64(32, true), "records"),
    bytes: toNumber(end64.getBigUint64(40, true), "bytes of the directory"),
    begin: toNumber(end64.getBigUint64(48, true), "the directory's begin"),
  };
}

function parseEntry(directory: Uint8Array, at: number): { entry: ZipEntry; end: number } {
  const view = new DataView(directory.buffer);
  if (at + CENTRAL_BYTES > directory.length || view.getUint32(at, true) !== CENTRAL_SIGNATURE) {
    throw new PytorchError("bad-zip", `expected a record at ${at} of the directory, got other bytes`);
  }
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) =>
    view.getUint16(at + offset, true),
  );
  const extra = at + CENTRAL_BYTES + nameBytes!;
  const end = extra + extraBytes! + commentBytes!;
  if (end > directory.length)
    throw new PytorchError("bad-zip", `expected the record at ${at} to end within the directory`);
  const name = new TextDecoder().decode(directory.subarray(at + CENTRAL_BYTES, extra));
  const sizes = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  if (sizes.includes(0xffffffff)) readZip64(view, extra, extra + extraBytes!, sizes, name);
  const [bytes, storedBytes, header] = sizes as [number, number, number];
  const stored = method === METHOD_STORED && (flags & FLAG_ENCRYPTED) === 0 && bytes === storedBytes;
  return { entry: { name, stored, storedBytes, bytes, header, nameBytes: nameBytes! }, end };
}

/** Puts in the 64-bit values of those that do not fit, in their order: size, size in the file, header. */
function readZip64(view: DataView, begin: number, end: number, sizes: number[], name: string): void {
  for (let at = begin; at + 4 <= end;) {
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    const next = at + 4 + length;
    if (id === ZIP64_EXTRA && next <= end) {
      let field = at + 4;
      for (let i = 0; i < sizes.length; i++) {
        if (sizes[i] !== 0xffffffff) continue;
        if (field + 8 > next) break;
        sizes[i] = toNumber(view.getBigUint64(field, true), name);
        field += 8;
      }
      return;
    }
    at = next;
  }
}

/** Records that share bytes make a small file claim to be a large one. */
function checkOverlap(entries: ZipEntry[], directory: number): void {
  entries.sort((a, b) => a.header - b.header);
  entries.forEach(({ name, nameBytes, header, storedBytes }, i) => {
    const limit = entries[i + 1]?.header ?? directory;
    if (header + LOCAL_BYTES + nameBytes + storedBytes > limit) {
      throw new PytorchError("bad-zip", `${name}: expected it to end before ${limit}, where the next begins`);
    }
  });
}

function toNumber(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new PytorchError("bad-zip", `${what}: expected at most 2^53 - 1, got ${value}`);
  return Number(value);
}
