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
  const read = mapped.transposed ? readTransposed : readStacked;
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
  const partRows = shape[0]! / parts.length;
  const rowBytes = bytes.length / Math.max(1, range.end - range.begin);
  for (const [index, part] of parts.entries()) {
    const first = index * partRows;
    const begin = Math.max(range.begin, first);
    const end = Math.min(range.end, first + partRows);
    if (begin >= end) continue;
    const into = bytes.subarray((begin - range.begin) * rowBytes, (end - range.begin) * rowBytes);
    await file.readInto(part.name, into, { begin: begin - first, end: end - first }, signal);
  }
  return result;
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
