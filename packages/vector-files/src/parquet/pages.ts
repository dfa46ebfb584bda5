/**
 * The pages of a column chunk, one after another, with their levels and values; a page is the most that is held. Sizes in
 * headers are held against what is there before anything is allocated for them.
 *
 * Source: Apache Parquet format, `README.md` and `parquet.thrift`.
 */
import type { ByteSource } from "@textower/weights";
import { decompress } from "fzstd";
import type { ColumnChunk, CompressionCodec, DecodedArray, PageHeader, SchemaTree } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { convert, DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { decompressPage } from "hyparquet/src/datapage.js";
import { deltaBinaryUnpack, deltaByteArray, deltaLengthByteArray } from "hyparquet/src/delta.js";
import { byteStreamSplit } from "hyparquet/src/encoding.js";
import { readPlain } from "hyparquet/src/plain.js";
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from "hyparquet/src/schema.js";
import { readHybrid } from "./hybrid.js";
import { thriftLength } from "./thrift.js";

/** One leaf column: its place in the schema, from the root. */
export interface Leaf {
  readonly path: readonly SchemaTree[];
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

/** What a page holds. */
export interface Page {
  /** Values that are there, in order. */
  readonly values: DecodedArray;
  /** [entries] How much of the path exists; undefined: all of it, everywhere. */
  readonly definition: Uint8Array | undefined;
  /** [entries] 0 where a row begins; undefined for columns that are not repeated. */
  readonly repetition: Uint8Array | undefined;
  /** Values and places where there is none. */
  readonly entries: number;
}

/** Largest page, in bytes without compression: writers aim at 1 MiB (pyarrow, polars, parquet-java). */
const MAX_PAGE_BYTES = 2 ** 27;
/**
 * Bytes that a byte of compressed data can become: a Snappy copy of 64 bytes takes 3 (format_description.txt), a Zstandard
 * block of 128 KiB that repeats a byte takes 4 (RFC 8878, 3.1.1.2).
 */
const MOST_EXPANSION: Partial<Record<CompressionCodec, number>> = { SNAPPY: 22, ZSTD: 2 ** 15 };
/** For what is not compressed in a page, and for pages of next to nothing. */
const SLACK_BYTES = 2 ** 10;
/** Entries that a page may have whatever its size: runs of equal ones take next to no bytes. */
const MIN_ENTRY_LIMIT = 2 ** 22;
/** What is read of a file at once, unless a page is larger. */
const WINDOW_BYTES = 2 ** 20;
/** Where a page's header has not ended by then, it holds statistics of long values. */
const FIRST_HEADER_BYTES = 2 ** 12;

/** The column at the end of a path. */
export function leafOf(path: readonly SchemaTree[]): Leaf {
  const list = [...path];
  return { path, maxDefinition: getMaxDefinitionLevel(list), maxRepetition: getMaxRepetitionLevel(list) };
}

/** @throws RangeError for what the format does not allow, Error from hyparquet; from the iterator */
export async function* pagesOf(
  source: ByteSource,
  chunk: ColumnChunk,
  leaf: Leaf,
  signal: AbortSignal | undefined,
): AsyncGenerator<Page, void, undefined> {
  const [begin, end] = rangeOf(source, chunk);
  const { codec } = chunk.meta_data!;
  const bytes = new Window(source, begin, end, signal);
  let dictionary: DecodedArray | undefined;
  while (bytes.left > 0) {
    const header = await readHeader(bytes);
    const { compressed_page_size: length, uncompressed_page_size: fullLength } = header;
    if (!(length >= 0 && length <= bytes.left)) {
      throw new RangeError(`expected a page of at most ${bytes.left} bytes, got ${length}`);
    }
    const most = Math.min(MAX_PAGE_BYTES, length * (MOST_EXPANSION[codec] ?? 1) + SLACK_BYTES);
    if (!(fullLength >= 0 && fullLength <= most)) {
      throw new RangeError(`expected a page of at most ${most} bytes without compression, got ${fullLength}`);
    }
    const body = await bytes.take(length);
    switch (header.type) {
      case "DICTIONARY_PAGE":
        dictionary = readDictionary(body, header, leaf, codec);
        break;
      case "DATA_PAGE":
      case "DATA_PAGE_V2":
        yield readData(body, header, leaf, codec, dictionary);
        break;
      default:
        if (header.type !== "INDEX_PAGE")
          throw new RangeError(`expected a known page, got ${String(header.type)}`);
    }
  }
}

function rangeOf(
  source: ByteSource,
  { meta_data: meta, file_path: path }: ColumnChunk,
): [begin: number, end: number] {
  if (path !== undefined) throw new RangeError("expected columns in the file itself, got another file's");
  if (meta === undefined) throw new RangeError("expected the metadata of each column, got a column without");
  const data = Number(meta.data_page_offset);
  const dictionary = Number(meta.dictionary_page_offset ?? 0);
  const begin = dictionary > 0 && dictionary < data ? dictionary : data;
  const end = begin + Number(meta.total_compressed_size);
  if (!(begin >= 4 && end >= begin && end <= source.size)) {
    throw new RangeError(`expected a column within the file's ${source.size} bytes, got ${begin} to ${end}`);
  }
  return [begin, end];
}

async function readHeader(bytes: Window): Promise<PageHeader> {
  for (let size = FIRST_HEADER_BYTES; ; size *= 16) {
    const view = await bytes.peek(size);
    const length = thriftLength(view);
    if (length !== undefined) {
      const header = await bytes.take(length);
      return parquetHeader({
        view: new DataView(header.buffer, header.byteOffset, header.length),
        offset: 0,
      });
    }
    if (view.length === bytes.left)
      throw new RangeError("expected a page's header, the column ends within it");
  }
}

function readDictionary(
  body: Uint8Array,
  header: PageHeader,
  leaf: Leaf,
  codec: CompressionCodec,
): DecodedArray {
  const count = header.dictionary_page_header?.num_values ?? -1;
  const page = decompressed(body, header.uncompressed_page_size, codec);
  checkEntries(count, page.length);
  const element = leaf.path.at(-1)!.element;
  return converted(readPlain(readerOf(page), element.type!, count, element.type_length), leaf);
}

function readData(
  body: Uint8Array,
  header: PageHeader,
  leaf: Leaf,
  codec: CompressionCodec,
  dictionary: DecodedArray | undefined,
): Page {
  const { maxDefinition, maxRepetition } = leaf;
  const second = header.data_page_header_v2;
  const first = header.data_page_header;
  const entries = (second ?? first)?.num_values ?? -1;
  checkEntries(entries, header.uncompressed_page_size);
  const levels = (bytes: Uint8Array, max: number): Uint8Array | undefined => {
    if (max === 0) return undefined;
    const into = new Uint8Array(entries);
    readHybrid(bytes, 32 - Math.clz32(max), into);
    return into;
  };
  let [repetition, definition]: (Uint8Array | undefined)[] = [];
  let page: Uint8Array;
  if (second !== undefined) {
    const [repetitionBytes, definitionBytes] = [
      second.repetition_levels_byte_length,
      second.definition_levels_byte_length,
    ];
    const levelBytes = repetitionBytes + definitionBytes;
    if (!(repetitionBytes >= 0 && definitionBytes >= 0 && levelBytes <= body.length)) {
      throw new RangeError(`expected levels within a page of ${body.length} bytes, got ${levelBytes}`);
    }
    repetition = levels(body.subarray(0, repetitionBytes), maxRepetition);
    definition = levels(body.subarray(repetitionBytes, levelBytes), maxDefinition);
    const fullLength = header.uncompressed_page_size - levelBytes;
    const isPlain = second.is_compressed === false || fullLength === 0;
    page = isPlain ? body.subarray(levelBytes) : decompressed(body.subarray(levelBytes), fullLength, codec);
  } else {
    page = decompressed(body, header.uncompressed_page_size, codec);
    const next = (max: number): Uint8Array | undefined => {
      if (max === 0) return undefined;
      const length = readerOf(page).view.getUint32(0, true);
      if (length > page.length - 4)
        throw new RangeError(`expected levels within a page of ${page.length} bytes, got ${length}`);
      const made = levels(page.subarray(4, 4 + length), max);
      page = page.subarray(4 + length);
      return made;
    };
    repetition = next(maxRepetition);
    definition = next(maxDefinition);
  }
  const count = definition === undefined ? entries : countOf(definition, maxDefinition);
  const encoding = (second ?? first)!.encoding;
  const values = readValues(page, count, encoding, leaf, dictionary);
  return { values, definition: count === entries ? undefined : definition, repetition, entries };
}

function readValues(
  page: Uint8Array,
  count: number,
  encoding: string,
  leaf: Leaf,
  dictionary: DecodedArray | undefined,
): DecodedArray {
  const { type, type_length: width = 0 } = leaf.path.at(-1)!.element;
  if (count === 0) return [];
  const reader = readerOf(page);
  switch (encoding) {
    case "PLAIN":
      return converted(readPlain(reader, type!, count, width), leaf);
    case "PLAIN_DICTIONARY":
    case "RLE_DICTIONARY": {
      if (dictionary === undefined)
        throw new RangeError("expected a dictionary before its indices, got none");
      const indices = new Uint32Array(count);
      const bits = page[0] ?? 0;
      if (bits > 32) throw new RangeError(`expected indices of at most 32 bits, got ${bits}`);
      readHybrid(page.subarray(1), bits, indices);
      const values =
        dictionary instanceof Float32Array ? new Float32Array(count) : Array.from({ length: count });
      for (let i = 0; i < count; i++) {
        const index = indices[i]!;
        if (index >= dictionary.length) {
          throw new RangeError(`expected an index below ${dictionary.length}, got ${index}`);
        }
        values[i] = dictionary[index] as number;
      }
      return values;
    }
    case "RLE": {
      const bits = new Uint8Array(count);
      readHybrid(page.subarray(4), 1, bits);
      return Array.from(bits, (bit) => bit === 1);
    }
    case "BYTE_STREAM_SPLIT":
      if (count > page.length) throw new RangeError(`expected ${count} values, got ${page.length} bytes`);
      return converted(byteStreamSplit(reader, count, type!, width), leaf);
    case "DELTA_BINARY_PACKED": {
      const values = type === "INT32" ? new Int32Array(count) : new BigInt64Array(count);
      deltaBinaryUnpack(reader, count, values);
      return converted(values, leaf);
    }
    case "DELTA_LENGTH_BYTE_ARRAY":
    case "DELTA_BYTE_ARRAY": {
      const values: Uint8Array[] = Array.from({ length: count });
      (encoding === "DELTA_BYTE_ARRAY" ? deltaByteArray : deltaLengthByteArray)(reader, count, values);
      return converted(values, leaf);
    }
    default:
      throw new RangeError(`expected a known encoding, got ${encoding}`);
  }
}

function converted(values: DecodedArray, { path }: Leaf): DecodedArray {
  const element = path.at(-1)!.element;
  return convert(values, {
    element,
    type: element.type!,
    schemaPath: [...path],
    pathInSchema: [],
    codec: "UNCOMPRESSED",
    parsers: DEFAULT_PARSERS,
  });
}

/** Snappy is hyparquet's own. */
const COMPRESSORS = {
  ZSTD: (bytes: Uint8Array, length: number) => decompress(bytes, new Uint8Array(length)),
};

function decompressed(bytes: Uint8Array, length: number, codec: CompressionCodec): Uint8Array {
  return decompressPage(bytes, length, codec, COMPRESSORS);
}

function checkEntries(entries: number, bytes: number): void {
  const limit = Math.max(MIN_ENTRY_LIMIT, bytes * 8);
  if (!(entries >= 0 && entries <= limit)) {
    throw new RangeError(`expected a page of at most ${limit} values, got ${entries}`);
  }
}

function countOf(levels: Uint8Array, level: number): number {
  let count = 0;
  for (let i = 0; i < levels.length; i++) if (levels[i] === level) count++;
  return count;
}

function readerOf(bytes: Uint8Array): { view: DataView; offset: number } {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
}

/** A range of a source, read ahead by a window. */
class Window {
  readonly #source: ByteSource;
  readonly #signal: AbortSignal | undefined;
  readonly #end: number;
  /** Where in the file `#buffer` ends. */
  #read: number;
  #buffer = new Uint8Array(0);

  constructor(source: ByteSource, begin: number, end: number, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#signal = signal;
    this.#read = begin;
    this.#end = end;
  }

  /** Bytes not taken yet. */
  get left(): number {
    return this.#end - this.#read + this.#buffer.length;
  }

  /** The next bytes, as many as are left at most, without taking them. */
  async peek(size: number): Promise<Uint8Array> {
    const wanted = Math.min(size, this.left);
    if (this.#buffer.length < wanted) {
      const buffer = new Uint8Array(Math.min(Math.max(wanted, WINDOW_BYTES), this.left));
      buffer.set(this.#buffer);
      const rest = buffer.subarray(this.#buffer.length);
      await this.#source.read(this.#read, rest, this.#signal);
      this.#read += rest.length;
      this.#buffer = buffer;
    }
    return this.#buffer.subarray(0, wanted);
  }

  /** Takes bytes, in a buffer of their own: what parses them cannot look beyond. */
  async take(size: number): Promise<Uint8Array> {
    const bytes = (await this.peek(size)).slice();
    this.#buffer = this.#buffer.subarray(size);
    return bytes;
  }
}
