/** Reads a matrix of an `.npy` file. Source: numpy, `numpy/lib/format.py`. */
import { float16ToNumber } from "@textower/graph";
import type { Vectors } from "./vectors.js";

const MAGIC = "\x93NUMPY";

/** Types of elements, little-endian, and how they are read. */
const READERS: Readonly<Record<string, { bytes: number; read: (view: DataView, at: number) => number }>> = {
  "<f2": { bytes: 2, read: (view, at) => float16ToNumber(view.getUint16(at, true)) },
  "<f4": { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  "<f8": { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
};

/** @throws RangeError for a file that holds no matrix of floats in C order */
export function readNpy(buffer: ArrayBuffer, name: string): Vectors {
  const view = new DataView(buffer);
  const magic = String.fromCharCode(...new Uint8Array(buffer, 0, Math.min(6, buffer.byteLength)));
  if (magic !== MAGIC || buffer.byteLength < 12) throw new RangeError(`${name}: not an .npy file.`);
  const isOld = view.getUint8(6) === 1;
  const headerBytes = isOld ? view.getUint16(8, true) : view.getUint32(8, true);
  const begin = (isOld ? 10 : 12) + headerBytes;
  const header = new TextDecoder().decode(buffer.slice(isOld ? 10 : 12, begin));
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? "unknown";
  const shape = /'shape':\s*\((\d+),\s*(\d+)\)/.exec(header);
  const reader = READERS[type];
  if (reader === undefined || shape === null || !/'fortran_order':\s*False/.test(header)) {
    throw new RangeError(`${name}: a matrix of floats in C order is needed, this is ${header.trim()}`);
  }
  const [count, width] = [Number(shape[1]), Number(shape[2])];
  if (begin + count * width * reader.bytes !== buffer.byteLength) {
    throw new RangeError(
      `${name}: ${count} rows of ${width} numbers were announced, the file has another size.`,
    );
  }
  const data = Float32Array.from({ length: count * width }, (_, i) =>
    reader.read(view, begin + i * reader.bytes),
  );
  return { data, count, width };
}
