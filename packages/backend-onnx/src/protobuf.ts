/**
 * `Message`: writes the protocol buffers wire format (protobuf.dev/programming-guides/encoding), as much of it as a
 * ModelProto needs: varints, floats, and everything that has a length. Not here: reading, packed fields, groups.
 */

/** Wire types: the low three bits of a field's tag. */
const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** A message under construction. Fields come out in the order they were added; `finish()` gives the bytes. */
export class Message {
  readonly #chunks: Uint8Array[] = [];
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

  /** The encoded message; the caller owns it. */
  finish(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.byteLength;
    }
    return all;
  }

  #tag(field: number, wireType: number): this {
    return this.#append(varint((field << 3) | wireType));
  }

  #append(bytes: Uint8Array): this {
    this.#chunks.push(bytes);
    this.#length += bytes.byteLength;
    return this;
  }
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
