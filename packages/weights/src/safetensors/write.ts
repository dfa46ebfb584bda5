/**
 * Writes safetensors as the reference does: tensors ordered by element type, largest first, then by name; the header
 * padded with spaces to a multiple of 8, so that every tensor is aligned.
 *
 * Source: safetensors `tensor.rs`, `prepare`.
 */
import { elementCount } from "@textower/graph";
import type { DType, Tensor } from "@textower/graph";
import { DTYPE_BITS } from "./dtypes.js";
import type { SafetensorsDtype } from "./dtypes.js";

/** Elements of any type the format knows, as bytes. */
export interface StoredTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly data: ArrayBufferView;
}

/** Name, type and shape of a tensor to be written. */
export interface TensorDeclaration {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
}

/** The beginning of a file, and what has to follow. */
export interface SafetensorsHeader {
  /** Length and JSON: the file up to the first tensor. */
  readonly bytes: Uint8Array;
  /** Tensors in the order in which their bytes follow, without gaps. */
  readonly order: readonly (TensorDeclaration & { readonly byteLength: number })[];
  /** Bytes of the whole file. */
  readonly fileBytes: number;
}

const STORED_DTYPES: Readonly<Record<DType, SafetensorsDtype>> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int8: "I8",
  int32: "I32",
};
const RANK = new Map(Object.keys(DTYPE_BITS).map((dtype, rank) => [dtype, rank]));
/** The reference pads the header so that the data begins at a multiple of this. */
const ALIGNMENT = 8;

/**
 * Makes the header of a file whose tensors are written one after the other, so that a large file is never held.
 * @throws TypeError for a name that occurs twice or is `__metadata__`; RangeError for elements that do not fill whole bytes
 * @example
 * const { bytes, order } = safetensorsHeader([{ name: "x", dtype: "F32", shape: [2] }]);
 * // write bytes, then for each of `order` its byteLength bytes
 */
export function safetensorsHeader(
  tensors: Iterable<TensorDeclaration>,
  metadata?: Readonly<Record<string, string>>,
): SafetensorsHeader {
  const order = Array.from(tensors, ({ name, dtype, shape }) => {
    const byteLength = (elementCount(shape) * DTYPE_BITS[dtype]) / 8;
    if (!Number.isInteger(byteLength)) {
      throw new RangeError(`safetensorsHeader: ${name}: expected whole bytes, got ${byteLength}`);
    }
    return { name, dtype, shape: [...shape], byteLength };
  }).sort((a, b) => RANK.get(b.dtype)! - RANK.get(a.dtype)! || (a.name < b.name ? -1 : 1));

  const names = new Set<string>(["__metadata__"]);
  const members = metadata === undefined ? [] : [`"__metadata__":${JSON.stringify(metadata)}`];
  let end = 0;
  for (const { name, dtype, shape, byteLength } of order) {
    if (names.has(name)) throw new TypeError(`safetensorsHeader: expected each name once, got ${name} again`);
    names.add(name);
    const entry = { dtype, shape, data_offsets: [end, end + byteLength] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    end += byteLength;
  }
  const json = new TextEncoder().encode(`{${members.join(",")}}`);
  const length = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return { bytes, order, fileBytes: bytes.length + end };
}

/**
 * A whole file in memory.
 * @param tensors - by name; `Tensor`s of graphs, or bytes of any stored type
 * @returns the file's bytes, the caller's
 * @throws TypeError for int8 with scales, which one tensor cannot hold; RangeError for data that is not as long as its
 * shape says
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor | StoredTensor> | Readonly<Record<string, Tensor | StoredTensor>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const all = new Map(tensors instanceof Map ? tensors : Object.entries(tensors)) as ReadonlyMap<
    string,
    Tensor | StoredTensor
  >;
  const declarations = Array.from(all, ([name, tensor]): TensorDeclaration => {
    if ("scales" in tensor && tensor.scales !== undefined) {
      throw new TypeError(`writeSafetensors: ${name}: expected int8 without scales; store them as a tensor`);
    }
    const { dtype, shape } = tensor;
    return {
      name,
      shape,
      dtype: dtype in STORED_DTYPES ? STORED_DTYPES[dtype as DType] : (dtype as SafetensorsDtype),
    };
  });
  const { bytes: header, order, fileBytes } = safetensorsHeader(declarations, metadata);
  const file = new Uint8Array(fileBytes);
  file.set(header);
  let at = header.length;
  for (const { name, byteLength } of order) {
    const { data } = all.get(name)!;
    if (data.byteLength !== byteLength) {
      throw new RangeError(`writeSafetensors: ${name}: expected ${byteLength} bytes, got ${data.byteLength}`);
    }
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += byteLength;
  }
  return file;
}
