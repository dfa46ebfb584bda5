/**
 * Errors across the boundary of a worker. Structured clone would keep a message and forget class, name and code; here
 * they are sent as data and made again as what they were.
 */
/** An error as data. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: PlainError | undefined;
  /** Own fields that are plain values, such as `code` and `status`. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** Whatever was thrown, as data. */
export function errorToPlain(error: unknown): PlainError {
  if (!(error instanceof Error)) {
    return { name: "Error", message: String(error), stack: undefined, cause: undefined, fields: {} };
  }
  const fields = Object.entries(error).filter(
    ([key, value]) => key !== "name" && ["string", "number", "boolean"].includes(typeof value),
  );
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    cause: error.cause === undefined ? undefined : errorToPlain(error.cause),
    fields: Object.fromEntries(fields),
  };
}

/** The error again: of its class if that is known here, otherwise an `Error` of its name. `stack` is the worker's. */
export async function errorFromPlain({ name, message, stack, cause, fields }: PlainError): Promise<Error> {
  const error = new Error(message, cause === undefined ? {} : { cause: await errorFromPlain(cause) });
  // Not by its constructor: some of them put their messages together themselves.
  const prototype = await prototypeOf(name);
  if (prototype !== undefined) Object.setPrototypeOf(error, prototype);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name, configurable: true });
  if (stack !== undefined) Object.defineProperty(error, "stack", { value: stack, configurable: true });
  return Object.assign(error, fields);
}

/** The classes are loaded only when something has gone wrong: a page needs little else of what they lie with. */
async function prototypeOf(name: string): Promise<Error | undefined> {
  try {
    const { ERROR_CLASSES } = await import("./error-classes.js");
    return Object.hasOwn(ERROR_CLASSES, name) ? ERROR_CLASSES[name]!.prototype : undefined;
  } catch {
    return undefined; // a network that is gone must not hide the error
  }
}
