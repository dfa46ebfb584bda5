/** Further attempts: when, how long to wait, and when to give up. */
import { HubError, Retryable } from "../errors.js";
import type { Connection } from "./exchange.js";

/** Wait before the second attempt at most; doubled each time. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** A server that asks for more patience than this is reported instead. */
const LONGEST_ASKED_MS = 60_000;

/**
 * Repeats an attempt while it fails with Retryable. Waits grow exponentially, with jitter: between half and all of them.
 *
 * @param progressed - whether anything was gained since it was last asked; then counting starts anew
 * Rejects with the last attempt's HubError, or with what is not Retryable as it comes.
 */
export async function retrying<T>(
  { settings, platform }: Connection,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
  progressed: () => boolean = () => false,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (failure) {
      if (!(failure instanceof Retryable)) throw failure;
      if (progressed()) failures = 1;
      const { error, waitMs } = failure;
      if (failures > settings.retries) throw error;
      if (waitMs !== undefined && waitMs > LONGEST_ASKED_MS) {
        const seconds = Math.ceil(waitMs / 1000);
        throw new HubError(
          error.code,
          `${error.message}; the server asks to wait ${seconds} s`,
          statusOf(error),
        );
      }
      const longest = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS);
      await platform.sleep(waitMs ?? longest * (0.5 + 0.5 * platform.random()), signal);
    }
  }
}

function statusOf({ status }: HubError): { status?: number } {
  return status === undefined ? {} : { status };
}

/** `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3). In milliseconds. */
export function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
