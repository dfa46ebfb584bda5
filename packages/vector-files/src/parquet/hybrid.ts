/**
 * Levels and dictionary indices: runs of equal values, and values packed as bits, in turn. It writes no more than was
 * asked for, whatever the runs claim.
 *
 * Source: Apache Parquet format, `Encodings.md`, "Run Length Encoding / Bit-Packing Hybrid".
 */

/**
 * Fills `into`.
 * @param width - bits of a value, 0 to 32
 * @throws RangeError if the bytes end before
 */
export function readHybrid(bytes: Uint8Array, width: number, into: Uint8Array | Uint32Array): void {
  if (width === 0) return; // zeros, as arrays are made
  let at = 0;
  const next = (): number => {
    if (at >= bytes.length) throw new RangeError(`expected ${into.length} values, the bytes end before`);
    return bytes[at++]!;
  };
  const wholeBytes = Math.ceil(width / 8);
  const limit = 2 ** width;
  for (let filled = 0; filled < into.length;) {
    let head = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = next();
      head += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      if (scale > 2 ** 28) throw new RangeError("expected a run shorter than 2^35, got a longer one");
    }
    const isPacked = head % 2 === 1;
    const length = Math.min(Math.floor(head / 2) * (isPacked ? 8 : 1), into.length - filled);
    if (isPacked) {
      let [value, bits] = [0, 0];
      for (let i = 0; i < length; i++) {
        for (; bits < width; bits += 8) value += next() * 2 ** bits;
        into[filled++] = value % limit;
        value = Math.floor(value / limit);
        bits -= width;
      }
      // The last group of eight is whole, also where fewer values are wanted; nothing follows it then.
    } else {
      let value = 0;
      for (let i = 0; i < wholeBytes; i++) value += next() * 256 ** i;
      into.fill(value, filled, filled + length);
      filled += length;
    }
  }
}
