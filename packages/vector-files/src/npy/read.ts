/**
 * Opens NumPy's `.npy`, versions 1 to 3: a matrix of floats in either order of bytes, C or Fortran order. The header is a
 * Python dictionary; exactly the three keys that NumPy writes are understood, and nothing is evaluated.
 *
 * Source: numpy, `numpy/lib/_format_impl.py`.
 */
import type { ByteSource } from "@textower/weights";
import { DENSE_BYTES, readDense } from "../dense.js";
import type { DenseDtype, DenseMatrix } from "../dense.js";
import { checkDimension, VectorFileError } from "../errors.js";
import type { VectorFile } from "../vector-file.js";

/** First bytes of every file. */
export const NPY_MAGIC = "\x93NUMPY";
/** Magic and version. */
const PREFIX_BYTES = 8;
/** Longest header: NumPy itself evaluates 10,000 characters at most (`_MAX_HEADER_SIZE`). */
const MAX_HEADER_BYTES = 2 ** 16;

const DTYPES: Readonly<Record<string, DenseDtype>> = { f2: "float16", f4: "float32", f8: "float64" };

/** Rejects with VectorFileError, or with what the source rejects with. */
export async function openNpy(source: ByteSource, signal?: AbortSignal): Promise<VectorFile> {
  const matrix = await readHeader(source, signal);
  const { count, dimension, dtype } = matrix;
  return {
    format: "npy",
    name: source.name,
    count,
    dimension,
    dtype,
    batches: (options = {}) => readDense(source, matrix, options),
    close: () => source.close(),
  };
}

async function readHeader(source: ByteSource, signal: AbortSignal | undefined): Promise<DenseMatrix> {
  const { name, size } = source;
  const bad = (expected: string, got: string): VectorFileError =>
    new VectorFileError("bad-header", `${name}: npy: expected ${expected}, got ${got}`);

  const prefix = new Uint8Array(Math.min(PREFIX_BYTES + 4, size));
  await source.read(0, prefix, signal);
  const magic = String.fromCharCode(...prefix.subarray(0, NPY_MAGIC.length));
  if (magic !== NPY_MAGIC) throw bad("NumPy's first bytes", JSON.stringify(magic));
  if (prefix.length < PREFIX_BYTES + 4) throw bad("a header", `${size} bytes`);
  const version = prefix[6]!;
  if (version < 1 || version > 3 || prefix[7] !== 0) {
    throw bad("version 1.0, 2.0 or 3.0", `${version}.${prefix[7]}`);
  }
  const view = new DataView(prefix.buffer);
  const begin = PREFIX_BYTES + (version === 1 ? 2 : 4);
  const length = version === 1 ? view.getUint16(PREFIX_BYTES, true) : view.getUint32(PREFIX_BYTES, true);
  if (length > Math.min(MAX_HEADER_BYTES, size - begin)) {
    throw bad(`a header of at most ${Math.min(MAX_HEADER_BYTES, size - begin)} bytes`, `${length}`);
  }
  const bytes = new Uint8Array(length);
  await source.read(begin, bytes, signal);
  const text = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(bytes).trim();
  const header = parseDictionary(text);
  if (header === undefined) throw bad("a dictionary of descr, fortran_order and shape", shown(text));

  const { descr, columnMajor, shape } = header;
  const dtype = DTYPES[descr.slice(1)];
  if (dtype === undefined || !/^[<>]/.test(descr)) {
    throw new VectorFileError(
      "unsupported",
      `${name}: npy: expected float16, float32 or float64 (<f2, <f4, <f8), got ${shown(descr)}`,
    );
  }
  const [count, dimension] = shape;
  if (shape.length !== 2) {
    throw new VectorFileError(
      "no-vectors",
      `${name}: npy: expected shape (vectors, numbers), got (${shape.join(", ")})`,
    );
  }
  checkDimension(name, dimension!);
  const offset = begin + length;
  const announced = count! * dimension! * DENSE_BYTES[dtype];
  if (announced !== size - offset) {
    throw new VectorFileError(
      announced > size - offset ? "truncated" : "trailing-bytes",
      `${name}: npy: expected ${announced} bytes for ${descr} (${count}, ${dimension}), got ${size - offset}`,
    );
  }
  return {
    offset,
    count: count!,
    dimension: dimension!,
    dtype,
    bigEndian: descr.startsWith(">"),
    columnMajor,
  };
}

interface Dictionary {
  readonly descr: string;
  readonly columnMajor: boolean;
  readonly shape: readonly number[];
}

/** A key and its value. Python 2 wrote an L after some whole numbers. */
const ENTRY =
  /\s*(['"])(descr|fortran_order|shape)\1\s*:\s*(?:(['"])([^'"]*)\3|(True|False)|\(([\d\sL,]*)\))\s*(,|(?=\}))/y;

/** @returns undefined for anything but the three keys, once each, with values of their kinds */
function parseDictionary(text: string): Dictionary | undefined {
  if (!text.startsWith("{")) return undefined;
  const found = new Map<string, string>();
  ENTRY.lastIndex = 1;
  for (let match = ENTRY.exec(text); match !== null; match = ENTRY.exec(text)) {
    const [, , key, , string, boolean, tuple] = match;
    const value = { descr: string, fortran_order: boolean, shape: tuple }[key as "descr"];
    if (value === undefined || found.has(key!)) return undefined;
    found.set(key!, value);
    const end = ENTRY.lastIndex;
    if (/^\s*\}$/.test(text.slice(end))) break;
  }
  if (found.size !== 3) return undefined;
  const numbers = found
    .get("shape")!
    .split(",")
    .map((number) => number.trim());
  if (numbers.at(-1) === "") numbers.pop();
  if (!numbers.every((number) => /^\d{1,15}L?$/.test(number))) return undefined;
  return {
    descr: found.get("descr")!,
    columnMajor: found.get("fortran_order") === "True",
    shape: numbers.map((number) => Number.parseInt(number, 10)),
  };
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
