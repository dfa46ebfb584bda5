/** NumPy's `.npy`, version 1.0: a header of fixed size, then rows of float32. */

/** Bytes of the header, wherever the shape ends: NumPy wants a multiple of 64, and `shape` can be filled in later. */
export const NPY_HEADER_BYTES = 128;

const MAGIC = "\x93NUMPY\x01\x00";
/** Typed arrays have the machine's order of bytes, and the header says which it is. */
const DESCR = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? "<f4" : ">f4";

/** The header of a float32 array [rows, columns] in row-major order. */
export function npyHeader(rows: number, columns: number): Uint8Array {
  const dictionary = `{'descr': '${DESCR}', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const begin = MAGIC.length + 2; // two bytes of length, little-endian
  const text = `${dictionary.padEnd(NPY_HEADER_BYTES - begin - 1)}\n`;
  const header = Uint8Array.from(`${MAGIC}\0\0${text}`, (character) => character.charCodeAt(0));
  new DataView(header.buffer).setUint16(MAGIC.length, text.length, true);
  return header;
}

/** A row's bytes, as the file has them. A view, not a copy. */
export function npyRow(row: Float32Array): Uint8Array {
  return new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
}
