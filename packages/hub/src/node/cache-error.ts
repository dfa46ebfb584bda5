/** What a file system says, as errors of this package. */
import { HubError } from "../errors.js";
import type { HubErrorCode } from "../errors.js";

const CODES: ReadonlyMap<string, HubErrorCode> = new Map([
  ["ENOSPC", "no-space"],
  ["EDQUOT", "no-space"],
  ["EFBIG", "no-space"],
  ["EROFS", "cache-not-writable"],
  ["EACCES", "cache-not-writable"],
  ["EPERM", "cache-not-writable"],
  ["ENOTDIR", "cache-not-writable"],
]);

/** HubErrors and reasons to abort stay as they are. */
export function cacheError(cause: unknown, what: string): unknown {
  const errno = errnoOf(cause);
  if (errno === undefined) return cause;
  const code = CODES.get(errno) ?? "cache-failed";
  return new HubError(code, `the cache at ${what}: ${errno}`, { cause });
}

/** `ENOENT` and its kin. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** Undefined in place of an error that says that there is no such file. */
export async function orMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR" || errno === "ELOOP") return undefined;
    throw error;
  }
}
