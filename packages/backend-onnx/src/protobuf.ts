/**
 * `Message`: writes the protocol buffers wire format (protobuf.dev/programming-guides/encoding), as much of it as a
 * ModelProto needs: varints, floats, and everything that has a length. Bytes that are only known by their length can be
 * left out of a message and written when its turn comes. Not here: reading, packed fields, groups.
 */

/** Wire types: the low three bits of a field's tag. */
const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** A place in a message for bytes that whoever writes it has to supply. */
export interface DeferredBytes {
  /** What belongs here. */
  readonly deferred: string;
  readonly byteLength: number;
}

/** A message under construction. Fields come out in the order they were added; `finish()` gives the bytes. */
export class Message {
  readonly #chunks: (Uint8Array | DeferredBytes)[] = [];
  #length = 0;

  /** An integer field, signed 64 bits: negative ones take ten bytes, as `int64` wants. */
  int(field: number, value: number): this {
    return this.#tag(field, VARINT).#append(varint(value));
  }

  /** A `float` field. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#tag(field, FIXED32).#append(bytes);
  }

  /** A `bytes` field. The array is read when the message is finished, not copied before. */
  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, LENGTH_DELIMITED).#append(varint(value.byteLength)).#append(value);
  }

  /** A `bytes` field whose contents are left to the writer: see `parts`. */
  deferred(field: number, value: DeferredBytes): this {
    return this.#tag(field, LENGTH_DELIMITED).#append(varint(value.byteLength)).#append(value);
  }

  /** A `string` field. */
  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** A field that is itself a message. */
  message(field: number, value: Message): this {
    this.#tag(field, LENGTH_DELIMITED).#append(varint(value.#length));
    for (const chunk of value.#chunks) this.#append(chunk);
    return this;
  }

  /** The message in order: encoded bytes, in as few pieces as there can be, and the places of deferred ones. */
  parts(): (Uint8Array<ArrayBuffer> | DeferredBytes)[] {
    const parts: (Uint8Array<ArrayBuffer> | DeferredBytes)[] = [];
    let run: Uint8Array[] = [];
    for (const chunk of this.#chunks) {
      if (chunk instanceof Uint8Array) {
        run.push(chunk);
        continue;
      }
      parts.push(joined(run), chunk);
      run = [];
    }
    return [...parts, joined(run)];
  }

  /**
   * The encoded message; the caller owns it.
   * @throws RangeError if some of it is deferred
   */
  finish(): Uint8Array<ArrayBuffer> {
    const [bytes, ...more] = this.parts();
    if (bytes instanceof Uint8Array && more.length === 0) return bytes;
    throw new RangeError("protobuf: expected a message that is complete, got one with deferred bytes");
  }

  #tag(field: number, wireType: number): this {
    return this.#append(varint((field << 3) | wireType));
  }

  #append(bytes: Uint8Array | DeferredBytes): this {
    this.#chunks.push(bytes);
    this.#length += bytes.byteLength;
    return this;
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.reduce((length, { byteLength }) => length + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}

/** Seven bits a byte, low ones first; the top bit says that more follow. */
function varint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`protobuf: expected a safe integer, got ${value}`);
  }
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
