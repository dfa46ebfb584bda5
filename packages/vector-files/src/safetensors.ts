/** Vectors in safetensors: the one matrix of floats in a file, or the one that is named. */
import { openSafetensors, safetensorsHeader } from "@textower/weights";
import type { ByteSource, TensorFile } from "@textower/weights";
import type { DenseDtype, DenseMatrix } from "./dense.js";
import { readDense } from "./dense.js";
import { checkDimension, VectorFileError } from "./errors.js";
import type { VectorFile } from "./vector-file.js";
import { headedWriter } from "./vector-writer.js";
import type { ByteSink, VectorWriter, WriterOptions } from "./vector-writer.js";

const DTYPES: Readonly<Record<string, DenseDtype>> = {
  F16: "float16",
  BF16: "bfloat16",
  F32: "float32",
  F64: "float64",
};

/**
 * @param tensor - its name, if the file has more than one matrix of floats
 * Rejects with VectorFileError, SafetensorsError, or with what the source rejects with.
 */
export async function openSafetensorsVectors(
  source: ByteSource,
  tensor: string | undefined,
  signal?: AbortSignal,
): Promise<VectorFile> {
  const file = await openSafetensors(source, { signal });
  const { name } = source;
  const found = chosen(file, tensor);
  const { dtype: stored, shape } = file.entries.get(found)!;
  const dtype = DTYPES[stored];
  if (dtype === undefined) {
    throw new VectorFileError(
      "unsupported",
      `${name}: ${found}: expected F16, BF16, F32 or F64, got ${stored}`,
    );
  }
  if (shape.length !== 2) {
    throw new VectorFileError(
      "no-vectors",
      `${name}: ${found}: expected shape [vectors, numbers], got [${shape.join(", ")}]`,
    );
  }
  const [count, dimension] = [shape[0]!, shape[1]!];
  checkDimension(name, dimension);
  const matrix: DenseMatrix = { offset: 0, count, dimension, dtype };
  return {
    format: "safetensors",
    name,
    count,
    dimension,
    dtype,
    batches: (options = {}) => readDense(rowsOf(file, found, source), matrix, options),
    close: () => file.close(),
  };
}

/** A tensor's bytes as a source that begins at its first row. Reads are of whole rows. */
function rowsOf(file: TensorFile, tensor: string, source: ByteSource): ByteSource {
  const { bytes, shape } = file.entries.get(tensor)!;
  const rowBytes = bytes / Math.max(1, shape[0]!);
  return {
    name: source.name,
    size: bytes,
    read: (offset, into, signal) =>
      file.readInto(
        tensor,
        into,
        { begin: offset / rowBytes, end: (offset + into.length) / rowBytes },
        signal,
      ),
    close: () => file.close(),
  };
}

function chosen({ entries, name }: TensorFile, tensor: string | undefined): string {
  if (tensor !== undefined) {
    if (entries.has(tensor)) return tensor;
    const names = [...entries.keys()].slice(0, 8).join(", ");
    throw new VectorFileError("no-vectors", `${name}: expected a tensor ${tensor}, got ${names || "none"}`);
  }
  const matrices = [...entries].filter(([, { dtype, shape }]) => shape.length === 2 && dtype in DTYPES);
  if (matrices.length === 1) return matrices[0]![0];
  const names = matrices.slice(0, 8).map(([each]) => each);
  if (names.length > 0) {
    const message = `${name}: expected one matrix of floats, or the name of one, got ${names.join(", ")}`;
    throw new VectorFileError("ambiguous", message);
  }
  throw new VectorFileError(
    "no-vectors",
    `${name}: expected a matrix of floats, got ${entries.size} other tensors`,
  );
}

/** Digits that a count, and the end of the data, may take: a header written again is as long as it was. */
const COUNT_DIGITS = 15;

/** See `createVectorWriter`. */
export function safetensorsWriter(
  sink: ByteSink,
  { dimension, count, vectors = "embeddings", description }: WriterOptions,
): VectorWriter {
  const header = (rows: number): Uint8Array =>
    safetensorsHeader([{ name: vectors, dtype: "F32", shape: [rows, dimension] }], description).bytes;
  // Unknown: as long as a header can get, with spaces, which the format allows at its end.
  const room = count === undefined ? header(0).length + 2 * COUNT_DIGITS : 0;
  return headedWriter("safetensors", sink, { dimension, count }, (rows) => withSpaces(header(rows), room));
}

function withSpaces(header: Uint8Array, room: number): Uint8Array {
  const length = Math.ceil(Math.max(header.length, room) / 8) * 8; // the header's own length is a multiple of 8 already
  const bytes = new Uint8Array(length).fill(0x20);
  bytes.set(header);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length - 8), true);
  return bytes;
}
