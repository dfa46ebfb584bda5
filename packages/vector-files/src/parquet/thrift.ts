/**
 * Walks a struct of Thrift's compact protocol without reading anything out of it: whether it is whole, where it ends, and
 * that no list in it claims more elements than bytes are left. What parses it may then believe its sizes.
 *
 * Source: Apache Thrift, `doc/specs/thrift-compact-protocol.md`.
 */

/** Deepest nesting: Parquet's own structs are six deep. */
const MAX_DEPTH = 16;

const [STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12,
];

/**
 * @returns the struct's length in bytes; undefined if it goes on after the end of `bytes`
 * @throws RangeError for bytes that are no struct
 */
export function thriftLength(bytes: Uint8Array): number | undefined {
  try {
    return skipStruct(bytes, 0, 0);
  } catch (error) {
    if (error === END) return undefined;
    throw error;
  }
}

/** Thrown where bytes are missing. */
const END = new Error("thrift: expected more bytes");

function skipStruct(bytes: Uint8Array, at: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new RangeError(`thrift: expected at most ${MAX_DEPTH} levels, got more`);
  for (;;) {
    const head = byteAt(bytes, at++);
    const type = head & 0x0f;
    if (type === STOP) return at;
    if (head >> 4 === 0) at = skipVarint(bytes, at); // the field's number
    at = skipValue(bytes, at, type, depth, false);
  }
}

function skipValue(bytes: Uint8Array, at: number, type: number, depth: number, inList: boolean): number {
  switch (type) {
    case TRUE:
    case FALSE:
      return inList ? at + 1 : at;
    case BYTE:
      return at + 1;
    case I16:
    case I32:
    case I64:
      return skipVarint(bytes, at);
    case DOUBLE:
      return at + 8;
    case BINARY: {
      const [length, begin] = varint(bytes, at);
      if (length > bytes.length - begin) throw END;
      return begin + length;
    }
    case LIST:
    case SET:
      return skipList(bytes, at, depth);
    case STRUCT:
      return skipStruct(bytes, at, depth + 1);
    default:
      throw new RangeError(`thrift: expected a type that Parquet uses, got ${type}`);
  }
}

function skipList(bytes: Uint8Array, at: number, depth: number): number {
  const head = byteAt(bytes, at++);
  let size = head >> 4;
  if (size === 15) [size, at] = varint(bytes, at);
  if (size > bytes.length - at) throw END; // an element takes a byte at least
  if (depth > MAX_DEPTH) throw new RangeError(`thrift: expected at most ${MAX_DEPTH} levels, got more`);
  for (let i = 0; i < size; i++) at = skipValue(bytes, at, head & 0x0f, depth + 1, true);
  return at;
}

function byteAt(bytes: Uint8Array, at: number): number {
  if (at >= bytes.length) throw END;
  return bytes[at]!;
}

function skipVarint(bytes: Uint8Array, at: number): number {
  for (let length = 1; length <= 10; length++) if (byteAt(bytes, at++) < 0x80) return at;
  throw new RangeError("thrift: expected a number of at most 10 bytes, got a longer one");
}

/** A length or size. */
function varint(bytes: Uint8Array, at: number): [value: number, at: number] {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = byteAt(bytes, at++);
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
  throw new RangeError("thrift: expected a size below 2^35, got a larger one");
}
