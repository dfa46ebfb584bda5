/**
 * Named tensors of whatever was pickled: a state dict, one within a training checkpoint, or the modules of a TorchScript
 * archive, whose attributes give the names.
 */
import { PickleDict, PickleRecord } from "../pickle/values.js";
import type { PickleValue } from "../pickle/values.js";
import { PytorchError } from "./errors.js";
import { StoredTensor } from "./tensors.js";

/** Where training scripts keep the weights, beside the optimiser and the epoch. */
const STATE_DICT = "state_dict";
/** Modules within modules: CLIP's are 6 deep. */
const MAX_DEPTH = 64;

/** @throws PytorchError `no-tensors`, `too-large`, `bad-tensor` for a name that occurs twice */
export function namedTensors(value: PickleValue): ReadonlyMap<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  if (value instanceof PickleRecord) addModule(value, "", 0, tensors);
  else if (value instanceof PickleDict) {
    const inner = value.entries.get(STATE_DICT);
    for (const [name, each] of (inner instanceof PickleDict ? inner : value).entries) {
      if (typeof name === "string" && each instanceof StoredTensor) tensors.set(name, each);
    }
  }
  if (tensors.size === 0) {
    throw new PytorchError(
      "no-tensors",
      "expected a state dict or a scripted module with tensors, found none",
    );
  }
  return tensors;
}

function addModule(
  module: PickleRecord,
  prefix: string,
  depth: number,
  tensors: Map<string, StoredTensor>,
): void {
  if (depth > MAX_DEPTH) throw new PytorchError("too-large", `expected modules at most ${MAX_DEPTH} deep`);
  if (!(module.state instanceof PickleDict)) return;
  for (const [name, value] of module.state.entries) {
    if (typeof name !== "string") continue;
    const path = prefix + name;
    if (value instanceof PickleRecord) addModule(value, `${path}.`, depth + 1, tensors);
    if (!(value instanceof StoredTensor)) continue;
    if (tensors.has(path))
      throw new PytorchError("bad-tensor", `expected each tensor once, got ${path} twice`);
    tensors.set(path, value);
  }
}
