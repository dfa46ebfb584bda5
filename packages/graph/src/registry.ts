/**
 * Backends by name. Explicit: importing a package registers nothing, `registerBackend` does.
 * One registry per copy of this module.
 */
import type { Backend } from "./backend.js";
import { RegistryError } from "./errors.js";

const backends = new Map<string, Backend>();

/**
 * Makes a backend available by its name.
 * @throws RegistryError if another backend holds the name; registering the same one again is harmless
 */
export function registerBackend(backend: Backend): void {
  const held = backends.get(backend.name);
  if (held !== undefined && held !== backend) {
    throw new RegistryError(`registerBackend: expected a name that is free, got ${backend.name} again`);
  }
  backends.set(backend.name, backend);
}

/** Removes a backend. @returns whether it was there */
export function unregisterBackend(name: string): boolean {
  return backends.delete(name);
}

/** The backend of a name. @throws RegistryError that lists the names there are */
export function backend(name: string): Backend {
  const found = backends.get(name);
  if (found === undefined) {
    const names = backends.size === 0 ? "none is registered" : [...backends.keys()].join(", ");
    throw new RegistryError(`backend: expected a registered name (${names}), got ${name}`);
  }
  return found;
}

/** All registered backends, in the order they came. */
export function listBackends(): Backend[] {
  return [...backends.values()];
}
