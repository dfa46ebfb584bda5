/** What it means when a hub answers with something else than success. */
import { HubError, Retryable } from "../errors.js";
import type { HubErrorCode } from "../errors.js";
import type { HubAnswer } from "./exchange.js";
import { retryAfter } from "./retrying.js";

/** What was asked for. */
export interface Asked {
  readonly label: string;
  readonly repository: string;
  readonly revision: string;
  /** A 404 that says no more is about this. */
  readonly kind: "revision" | "entry";
  readonly withToken: boolean;
}

/** The Hub's `X-Error-Code`. */
const ERROR_CODES: ReadonlyMap<string, HubErrorCode> = new Map([
  ["RepoNotFound", "repository-not-found"],
  ["RevisionNotFound", "revision-not-found"],
  ["EntryNotFound", "entry-not-found"],
  ["GatedRepo", "gated"],
]);

/** Worth another attempt: RFC 9110 has 408, 500, 502, 503, 504; RFC 6585 has 429. */
const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);

/** The error that a status stands for; Retryable if another attempt may mend it. */
export function statusError({ response, hub }: HubAnswer, asked: Asked): HubError | Retryable {
  const { status } = response;
  const code = ERROR_CODES.get(hub.get("X-Error-Code") ?? "") ?? codeOf(status, asked);
  const error = new HubError(code, messageOf(code, status, asked), { status });
  if (!TRANSIENT.has(status)) return error;
  return new Retryable(error, retryAfter(response.headers.get("Retry-After")));
}

function codeOf(status: number, asked: Asked): HubErrorCode {
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  if (status === 404) return asked.kind === "entry" ? "entry-not-found" : "repository-not-found";
  if (status === 429) return "rate-limited";
  return "http-status";
}

function messageOf(code: HubErrorCode, status: number, asked: Asked): string {
  const { label, repository, revision, withToken } = asked;
  const token = withToken ? "the token given does not open it" : "pass a token";
  switch (code) {
    case "repository-not-found":
      return `${label}: no repository ${repository}, or a private one (${token})`;
    case "revision-not-found":
      return `${label}: ${repository} has no revision ${revision}`;
    case "entry-not-found":
      return `${label}: no such file in ${repository} at ${revision}`;
    case "gated":
      return `${label}: ${repository} is gated: accept its conditions on its page (${token})`;
    case "unauthorized":
      return `${label}: 401: ${repository} is private or does not exist (${token})`;
    case "forbidden":
      return `${label}: 403: access to ${repository} is refused (${token})`;
    case "rate-limited":
      return `${label}: 429: too many requests`;
    default:
      return `${label}: expected 200 or 206, got ${status}`;
  }
}
