/**
 * Reads a tensor under its canonical name and shape from where the file has it: as it is, in three parts, or transposed.
 */
import type { RowRange, Tensor } from "@textower/graph";
import { allocate, dtypeOf, readTensor, rowsOf } from "../tensor-file.js";
import type { TensorFile } from "../tensor-file.js";
import type { MappedTensor } from "./naming.js";

/**
 * @param name - canonical, for messages
 * @param shape - canonical; the parts were checked against it
 * @returns a tensor whose array belongs to the caller
 */
export function readMapped(
  file: TensorFile,
  mapped: MappedTensor,
  name: string,
  shape: readonly number[],
  rows: RowRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  const read = mapped.transposed ? readTransposed : mapped.wrapped ? readWrapped : readStacked;
  return read(file, mapped, name, shape, rows, signal);
}

/** Rows of a tensor that lies in one or three parts of equal size along axis 0, read straight into one array. */
async function readStacked(
  file: TensorFile,
  { parts }: MappedTensor,
  name: string,
  shape: readonly number[],
  rows: RowRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  const range = rowsOf(name, shape, rows);
  const { result, bytes } = allocate(dtypeOf(parts[0]!.entry.dtype)!, range.shape);
  const scales = parts[0]!.scale === undefined ? undefined : new Float32Array(range.end - range.begin);
  const partRows = shape[0]! / parts.length;
  const rowBytes = bytes.length / Math.max(1, range.end - range.begin);
  for (const [index, part] of parts.entries()) {
    const first = index * partRows;
    const begin = Math.max(range.begin, first);
    const end = Math.min(range.end, first + partRows);
    if (begin >= end) continue;
    const into = bytes.subarray((begin - range.begin) * rowBytes, (end - range.begin) * rowBytes);
    const rowsOfPart = { begin: begin - first, end: end - first };
    const reads = [file.readInto(part.name, into, rowsOfPart, signal)];
    if (scales !== undefined) {
      const its = scales.subarray(begin - range.begin, end - range.begin);
      const bytes = new Uint8Array(its.buffer, its.byteOffset, its.byteLength);
      reads.push(file.readInto(part.scale!.name, bytes, rowsOfPart, signal));
    }
    await settled(reads);
  }
  return scales === undefined ? result : { ...result, dtype: "int8", data: result.data as Int8Array, scales };
}

/** Waits for all, so that nobody writes to an array that was given back; then the first failure counts. */
async function settled(reads: readonly Promise<void>[]): Promise<void> {
  for (const read of await Promise.allSettled(reads)) if (read.status === "rejected") throw read.reason;
}

/** Rows of a matrix that the file holds transposed: columns there, so all of it is read. [in, out] → [out, in] */
async function readTransposed(
  file: TensorFile,
  { parts }: MappedTensor,
  name: string,
  shape: readonly number[],
  rows: RowRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  const range = rowsOf(name, shape, rows);
  const stored = await readTensor(file, parts[0]!.name, undefined, signal);
  const { result } = allocate(stored.dtype, range.shape);
  const [outputs, inputs] = shape as [number, number];
  for (let row = range.begin; row < range.end; row++) {
    const at = (row - range.begin) * inputs;
    for (let column = 0; column < inputs; column++) {
      result.data[at + column] = stored.data[column * outputs + row]!;
    }
  }
  return result;
}

/** Rows of a tensor that the file holds with dimensions of 1 before its own; it is small, so all of it is read. */
async function readWrapped(
  file: TensorFile,
  { parts }: MappedTensor,
  name: string,
  shape: readonly number[],
  rows: RowRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  const range = rowsOf(name, shape, rows);
  const stored = await readTensor(file, parts[0]!.name, undefined, signal);
  const { result } = allocate(stored.dtype, range.shape);
  const rowLength = result.data.length / Math.max(1, range.end - range.begin);
  result.data.set(stored.data.subarray(range.begin * rowLength, range.end * rowLength));
  return result;
}
