/** Counts what typed arrays are asked for, so that a reader that believes a length in a file before checking it is seen. */

const WATCHED = ["ArrayBuffer", "Uint8Array", "Int8Array", "Uint16Array", "Int32Array", "Float32Array"];

/**
 * Runs an action with the constructors of buffers and typed arrays replaced.
 * @param limit - bytes; an array above it is refused with AllocationError instead of made
 * @returns what the action returns
 */
export async function withAllocationLimit(limit, action) {
  const originals = WATCHED.map((name) => [name, globalThis[name]]);
  for (const [name, Original] of originals) {
    const size = Original.BYTES_PER_ELEMENT ?? 1;
    globalThis[name] = new Proxy(Original, {
      construct(target, args, newTarget) {
        if (typeof args[0] === "number" && args[0] * size > limit) throw new AllocationError(name, args[0]);
        return Reflect.construct(target, args, newTarget === globalThis[name] ? target : newTarget);
      },
    });
  }
  try {
    return await action();
  } finally {
    for (const [name, Original] of originals) globalThis[name] = Original;
  }
}

/** No refusal: a defect of the reader. */
class AllocationError extends Error {
  name = "AllocationError";
  constructor(type, length) {
    super(`expected no allocation of that size before the file was checked, got ${type}(${length})`);
  }
}
