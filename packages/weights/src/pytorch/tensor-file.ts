/** Named, strided tensors over storages somewhere in a file, as a `TensorFile`: any rows, read when they are asked for. */
import type { ByteSource } from "../sources/byte-source.js";
import type { ByteRange, ReadAheadSource } from "../sources/read-ahead.js";
import { entryOf, rowsOf, TensorFileError } from "../tensor-file.js";
import type { TensorFile } from "../tensor-file.js";
import { PytorchError } from "./errors.js";
import { elementBytes } from "./tensors.js";
import type { Storage, StoredTensor } from "./tensors.js";

/** What differs between the kinds of PyTorch files. */
export interface StoredTensors {
  readonly format: string;
  readonly source: ByteSource & Partial<Pick<ReadAheadSource, "announce">>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Where a storage's record begins in the file, checked to be as long as the storage. Asked once per storage. */
  locate(storage: Storage, signal: AbortSignal | undefined): Promise<number>;
  /** The bytes that `locate` and reads of a storage need, without reading any; undefined if it is not there. */
  extent(storage: Storage): ByteRange | undefined;
}

/** Closing it closes the source. */
export function pytorchTensorFile(stored: StoredTensors): TensorFile {
  const { format, source, tensors, locate, extent } = stored;
  const begins = new Map<string, number>();
  const file: TensorFile = {
    format,
    name: source.name,
    size: source.size,
    entries: new Map(
      [...tensors].map(([name, { storage, shape, elements }]) => [
        name,
        { dtype: storage.dtype, shape, bytes: elements * elementBytes(storage.dtype) },
      ]),
    ),
    metadata: new Map(),
    async readInto(name, into, rows, signal) {
      const { shape } = entryOf(file, name);
      const tensor = tensors.get(name)!;
      const range = rowsOf(name, shape, rows);
      const size = elementBytes(tensor.storage.dtype);
      const length = range.shape.reduce((elements, dimension) => elements * dimension, size);
      if (into.length !== length) {
        const message = `${source.name}: ${name}: expected an array of ${length} bytes, got ${into.length}`;
        throw new TensorFileError("bad-length", message);
      }
      if (length === 0) return;
      const { storage } = tensor;
      let begin = begins.get(storage.key);
      if (begin === undefined) {
        begin = await locate(storage, signal).catch((error: unknown) => {
          throw error instanceof PytorchError ? error.in(source.name) : error;
        });
        begins.set(storage.key, begin);
      }
      const first = storage.offset + tensor.offset + range.begin * (tensor.strides[0] ?? 0);
      if (tensor.contiguous) return source.read(begin + first * size, into, signal);
      const last = range.shape.reduce(
        (sum, dimension, axis) => sum + (dimension - 1) * tensor.strides[axis]!,
        0,
      );
      const span = new Uint8Array((last + 1) * size);
      await source.read(begin + first * size, span, signal);
      gather(span, range.shape, tensor.strides, size, into);
    },
    announce(names) {
      // Tensors may share a storage, which is fetched once.
      const storages = new Map(
        names.map((name) => [tensors.get(name)!.storage.key, tensors.get(name)!.storage]),
      );
      const extents = [...storages.values()].map(extent);
      source.announce?.(extents.filter((range) => range !== undefined));
    },
    close: () => source.close(),
  };
  return file;
}

/** Elements of `size` bytes by their strides, into row-major order. */
function gather(
  span: Uint8Array,
  shape: readonly number[],
  strides: readonly number[],
  size: number,
  into: Uint8Array,
): void {
  const index = shape.map(() => 0);
  let element = 0;
  for (let to = 0; to < into.length; to += size) {
    const from = element * size;
    for (let byte = 0; byte < size; byte++) into[to + byte] = span[from + byte]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      element += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      element -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}
