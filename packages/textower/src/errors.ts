/** Errors of the facade itself. Those of text, files and backends have classes of their own and pass through. */

/** `createTextEncoder` was asked for parts that do not go together, or that are not there. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}

/** A backend returned a vector that is not finite, or has no length. It is never handed on. */
export class NumericalError extends Error {
  override readonly name = "NumericalError";
}
