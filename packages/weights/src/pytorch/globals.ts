/**
 * The list of what a pickle of weights may name, and what each name means here. Everything else is refused, by its
 * full name, before anything is made of it.
 *
 * Source: PyTorch's `torch/_weights_only_unpickler.py`; for TorchScript `torch/csrc/jit/serialization/pickler.cpp`.
 */
import { PickleDict, PickleGlobal, PickleList, PickleTuple } from "../pickle/values.js";
import type { PickleValue } from "../pickle/values.js";
import type { PickleHost } from "../pickle/unpickle.js";
import { PytorchError } from "./errors.js";
import { Storage, storageDtype, storedTensor, typedStorage } from "./tensors.js";

type Handler = (args: readonly PickleValue[]) => PickleValue;

const rebuildTensor: Handler = ([storage, offset, shape, strides]) =>
  storedTensor(storage ?? null, offset ?? null, shape ?? null, strides ?? null);
const rebuildTyped: Handler = ([storage, offset, shape, strides, , , dtype]) => {
  const path = dtype instanceof PickleGlobal ? dtype.path : typeof dtype;
  return storedTensor(typedStorage(storage ?? null, path), offset ?? null, shape ?? null, strides ?? null);
};
const first: Handler = ([value]) => value ?? null;
const nothing: Handler = () => null;

/** Functions that make tensors. */
const REBUILDS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["torch._utils._rebuild_tensor", rebuildTensor],
  ["torch._utils._rebuild_tensor_v2", rebuildTensor],
  ["torch._utils._rebuild_tensor_v3", rebuildTyped],
  ["torch._utils._rebuild_parameter", first],
  ["torch._utils._rebuild_parameter_with_state", first],
]);

/** Functions and classes that may be called. */
const CALLS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ...REBUILDS,
  ["collections.OrderedDict", () => new PickleDict()],
  ["collections.Counter", () => new PickleDict()],
  ["builtins.set", () => new PickleList()],
  ["__builtin__.set", () => new PickleList()],
  ["torch._tensor._rebuild_from_type_v2", ([call, , args]) => rebuildFromType(call, args)],
  [
    "torch.Size",
    ([sizes]) =>
      sizes instanceof PickleTuple || sizes instanceof PickleList ? new PickleTuple(sizes.items) : null,
  ],
  ["torch.device", nothing],
  ["torch.serialization._get_layout", nothing],
  ["_codecs.encode", nothing],
  ["torch.jit._pickle.build_intlist", first],
  ["torch.jit._pickle.build_doublelist", first],
  ["torch.jit._pickle.build_boollist", first],
  ["torch.jit._pickle.build_tensorlist", first],
  ["torch.jit._pickle.restore_type_tag", first],
]);

/** Names that may stand for themselves: dtypes and the classes of tensors. */
const NAMES =
  /^torch\.(?:float(?:16|32|64)|bfloat16|half|double|u?int(?:8|16|32|64)|bool|Tensor|nn\.parameter\.Parameter|storage\.(?:Typed|Untyped)Storage)$/;

/** Modules of a TorchScript archive: records of attributes, whatever their classes are called. */
const SCRIPTED = /^__torch__\./;

/** `(function, type, args, state)`: a tensor of a class of its own, made as `function(*args)`. */
function rebuildFromType(call: PickleValue | undefined, args: PickleValue | undefined): PickleValue {
  const handler = call instanceof PickleGlobal ? REBUILDS.get(call.path) : undefined;
  if (handler === undefined || !(args instanceof PickleTuple)) {
    throw new PytorchError("bad-pickle", "expected a tensor's own function and arguments");
  }
  return handler(args.items);
}

/** What PyTorch's pickles mean. */
export const pytorchHost: PickleHost = {
  checkGlobal(global) {
    const { path } = global;
    if (CALLS.has(path) || NAMES.test(path) || SCRIPTED.test(path) || storageDtype(path) !== undefined)
      return;
    throw new PytorchError(
      "refused-global",
      `expected only what weights need, got ${path.slice(0, 200)}: save a state dict, or convert it to safetensors`,
    );
  },

  call(global, args) {
    const handler = CALLS.get(global.path);
    if (handler !== undefined) return handler(args);
    throw new PytorchError(
      "refused-global",
      `expected a function that weights need, got a call of ${global.path.slice(0, 200)}`,
    );
  },

  load(id) {
    const [kind, type, key, , elements, view] = id instanceof PickleTuple ? id.items : [];
    const dtype = type instanceof PickleGlobal ? storageDtype(type.path) : undefined;
    if (
      kind !== "storage" ||
      typeof key !== "string" ||
      typeof elements !== "number" ||
      !(Number.isSafeInteger(elements) && elements >= 0)
    ) {
      throw new PytorchError("bad-storage", "expected a storage with a key and a size as persistent id");
    }
    if (dtype === undefined) {
      const got = type instanceof PickleGlobal ? type.path.slice(0, 200) : typeof type;
      throw new PytorchError("bad-storage", `${key}: expected a storage of a known type, got ${got}`);
    }
    if (view === undefined || view === null) return new Storage(key, dtype, elements);
    // Before PyTorch 1.6 a storage could be a view of another: (its key, offset, size).
    const [, offset, size] = view instanceof PickleTuple ? view.items : [];
    if (
      typeof offset !== "number" ||
      typeof size !== "number" ||
      !(offset >= 0 && size >= 0 && offset + size <= elements)
    ) {
      throw new PytorchError("bad-storage", `${key}: expected a view within ${elements} elements`);
    }
    return new Storage(key, dtype, size, offset, elements);
  },
};
