/** Writes NumPy's `.npy`, version 1.0: a header of fixed size, then rows of float32. */
import type { ByteSink, VectorWriter, WriterOptions } from "../vector-writer.js";
import { headedWriter } from "../vector-writer.js";
import { NPY_MAGIC } from "./read.js";

/** Bytes of the header, wherever the shape ends: NumPy wants a multiple of 64, and `shape` can be filled in later. */
const HEADER_BYTES = 128;
/** Typed arrays have the machine's order of bytes, and the header says which it is. */
const DESCR = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? "<f4" : ">f4";

/** See `createVectorWriter`. */
export function npyWriter(sink: ByteSink, options: WriterOptions): VectorWriter {
  return headedWriter("npy", sink, options, (rows) => header(rows, options.dimension));
}

/** The header of a float32 array [rows, columns] in row-major order. */
function header(rows: number, columns: number): Uint8Array {
  const dictionary = `{'descr': '${DESCR}', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const magic = `${NPY_MAGIC}\x01\x00`;
  const begin = magic.length + 2; // two bytes of length, little-endian
  const text = `${dictionary.padEnd(HEADER_BYTES - begin - 1)}\n`;
  const bytes = Uint8Array.from(`${magic}\0\0${text}`, (character) => character.charCodeAt(0));
  new DataView(bytes.buffer).setUint16(magic.length, text.length, true);
  return bytes;
}
