/**
 * The error classes of the graph and of every backend. Messages read `who: expected …, got …`.
 * Not here: errors of files (`@textower/weights`) and of text (`@textower/tokenizer`).
 */

/** A node, shape or dtype that the graph does not allow. Thrown while a graph is built or verified. */
export class GraphError extends Error {
  override readonly name = "GraphError";
}

/** Tensor data that contradicts its dtype or shape. */
export class TensorError extends Error {
  override readonly name = "TensorError";
}

/** Inputs of a run that do not fit the graph: missing, wrong shape or dtype, or an index out of range. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** A backend cannot do what is asked: an op, a precision, a runtime feature that is missing, too little memory. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
}

/** A backend was asked for by a name that nobody registered, or registered twice. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
}

/** Something was used after `dispose()`, or was disposed of while it still waited. */
export class DisposedError extends Error {
  override readonly name = "DisposedError";
}

/** The runtime below a backend failed (out of memory, device lost, …). `cause` holds what it threw. */
export class BackendError extends Error {
  override readonly name = "BackendError";
}

/** The device was lost, with all that lay on it. Compiling again asks for a new one. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}
