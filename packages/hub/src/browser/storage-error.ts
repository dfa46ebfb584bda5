/** What a browser's storage says, as errors of this package. */
import { HubError } from "../errors.js";

/** HubErrors stay as they are. */
export function storageError(cause: unknown): HubError {
  if (cause instanceof HubError) return cause;
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : "unknown";
  if (name === "QuotaExceededError") {
    return new HubError("no-space", "the browser's storage: the quota of this origin is used up", { cause });
  }
  const denied = ["NotAllowedError", "NoModificationAllowedError", "SecurityError", "InvalidStateError"];
  const code = denied.includes(name) ? "cache-not-writable" : "cache-failed";
  return new HubError(code, `the browser's storage: ${name}`, { cause });
}
