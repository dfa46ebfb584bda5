/**
 * Storages and the strided views of them that PyTorch calls tensors, as a pickle describes them: checked, not read.
 */
import { PickleTuple } from "../pickle/values.js";
import type { PickleValue } from "../pickle/values.js";
import { DTYPE_BITS } from "../safetensors/dtypes.js";
import type { SafetensorsDtype } from "../safetensors/dtypes.js";
import { PytorchError } from "./errors.js";

/** Bytes that tensors look at. */
export class Storage {
  constructor(
    /** Its record: `data/<key>`. */
    readonly key: string,
    readonly dtype: SafetensorsDtype,
    /** Elements of `dtype`. */
    readonly elements: number,
    /** Elements of the record that lie before it, where old files have views of storages. */
    readonly offset = 0,
    /** Elements of the whole record. */
    readonly recordElements = elements,
  ) {}
}

/** A strided view of a storage. Lengths in elements. */
export class StoredTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}

  get elements(): number {
    return product(this.shape);
  }

  /** Whether the elements lie one after another, in order. */
  get contiguous(): boolean {
    let expected = 1;
    for (let axis = this.shape.length - 1; axis >= 0; axis--) {
      if (this.shape[axis] !== 1 && this.strides[axis] !== expected) return false;
      expected *= this.shape[axis]!;
    }
    return true;
  }
}

/** Storages, by the class names that PyTorch gives them → ours. */
const STORAGES: ReadonlyMap<string, SafetensorsDtype> = new Map<string, SafetensorsDtype>([
  ["Float", "F32"],
  ["Half", "F16"],
  ["BFloat16", "BF16"],
  ["Double", "F64"],
  ["Long", "I64"],
  ["Int", "I32"],
  ["Short", "I16"],
  ["Char", "I8"],
  ["Byte", "U8"],
  ["Bool", "BOOL"],
]);

/** dtypes, by their names → ours. */
const DTYPES: ReadonlyMap<string, SafetensorsDtype> = new Map<string, SafetensorsDtype>([
  ["torch.float32", "F32"],
  ["torch.float16", "F16"],
  ["torch.bfloat16", "BF16"],
  ["torch.float64", "F64"],
  ["torch.int64", "I64"],
  ["torch.int32", "I32"],
  ["torch.int16", "I16"],
  ["torch.int8", "I8"],
  ["torch.uint8", "U8"],
  ["torch.bool", "BOOL"],
]);

/** The dtype of a storage's class, by its full name; untyped ones hold bytes. undefined for what is no storage. */
export function storageDtype(path: string): SafetensorsDtype | undefined {
  if (path === "torch.storage.UntypedStorage") return "U8";
  const name = /^torch\.([A-Za-z0-9]+)Storage$/.exec(path)?.[1];
  return name === undefined ? undefined : STORAGES.get(name);
}

/**
 * An untyped storage as one of a dtype, by that one's full name: `_rebuild_tensor_v3`.
 * @throws PytorchError `bad-storage`
 */
export function typedStorage(storage: PickleValue, dtypePath: string): Storage {
  const dtype = DTYPES.get(dtypePath);
  if (!(storage instanceof Storage) || dtype === undefined) {
    throw new PytorchError(
      "bad-storage",
      `expected a storage of a known type, got ${dtypePath.slice(0, 200)}`,
    );
  }
  const bytes = storage.elements * elementBytes(storage.dtype);
  return new Storage(storage.key, dtype, Math.floor(bytes / elementBytes(dtype)));
}

/** Bytes of one element. */
export function elementBytes(dtype: SafetensorsDtype): number {
  return DTYPE_BITS[dtype] / 8;
}

/**
 * A tensor as `_rebuild_tensor_v2` is given it.
 * @throws PytorchError `bad-tensor` for sizes that are none, views beyond their storage, and views that repeat elements
 */
export function storedTensor(
  storage: PickleValue,
  offset: PickleValue,
  shape: PickleValue,
  strides: PickleValue,
): StoredTensor {
  if (!(storage instanceof Storage)) throw new PytorchError("bad-tensor", "expected a tensor of a storage");
  const sizes = wholes(shape, "a shape");
  const steps = wholes(strides, "strides");
  const [first] = wholes(new PickleTuple([offset]), "an offset");
  if (sizes.length !== steps.length || sizes.length > MAX_AXES) {
    throw new PytorchError(
      "bad-tensor",
      `expected a stride for each of at most ${MAX_AXES} axes, got ${steps.length} for ${sizes.length}`,
    );
  }
  const elements = product(sizes);
  const last =
    elements === 0 ? 0 : sizes.reduce((sum, size, axis) => sum + (size - 1) * steps[axis]!, first!) + 1;
  // Elements that are seen more than once (expanded views) would make a small file claim a large tensor.
  if (!Number.isSafeInteger(last) || last > storage.elements || elements > storage.elements) {
    throw new PytorchError(
      "bad-tensor",
      `expected a view within ${storage.elements} elements, got [${sizes.join(", ")}] with strides [${steps.join(", ")}] from ${first}`,
    );
  }
  return new StoredTensor(storage, first!, sizes, steps);
}

/** PyTorch's own limit is 64; weights have 4 at most. */
const MAX_AXES = 16;

function wholes(value: PickleValue, what: string): number[] {
  const items = value instanceof PickleTuple ? value.items : [null];
  return items.map((item) => {
    if (typeof item === "number" && Number.isSafeInteger(item) && item >= 0) return item;
    throw new PytorchError("bad-tensor", `expected ${what} of whole numbers, got ${typeof item}`);
  });
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((elements, size) => elements * size, 1);
}
