/**
 * Names that come from users and hubs: `owner/name[@revision]`, and paths within a repository. Both become parts of
 * addresses and of paths in a cache, so nothing gets past here that could lead elsewhere.
 */
import { HubError } from "./errors.js";

/** A repository at a revision. */
export interface HubReference {
  /** `owner/name` */
  readonly repository: string;
  /** Branch, tag, `refs/pr/1` or commit. */
  readonly revision: string;
}

/** As the Hub has them: letters, digits, `-`, `_`, `.`; at most 96; none of `-`, `.` at the ends (`validate_repo_id`). */
const PART = /^(?![-.])[\w.-]{1,96}(?<![-.])$/;
/** A full commit. */
const COMMIT = /^[0-9a-f]{40}$/;

/**
 * @param name - `owner/name`, or `owner/name@revision`
 * @throws HubError `bad-name`
 * @example parseReference("openai/clip-vit-base-patch32"); // { repository: "openai/…", revision: "main" }
 */
export function parseReference(name: string): HubReference {
  const reference = readReference(name);
  if (reference !== undefined) return reference;
  throw new HubError("bad-name", `openHub: expected owner/name or owner/name@revision, got ${quote(name)}`);
}

/** As `parseReference`, but undefined for what is no name. */
export function readReference(name: string): HubReference | undefined {
  const at = name.indexOf("@");
  const repository = at < 0 ? name : name.slice(0, at);
  const revision = at < 0 ? "main" : name.slice(at + 1);
  const parts = repository.split("/");
  // `--` stands for the slash in the names of cache folders.
  const sound = parts.length === 2 && parts.every((part) => PART.test(part) && !/--|\.\./.test(part));
  if (!sound || revision.length > 255 || !isSafePath(revision)) return undefined;
  return { repository, revision };
}

export function isCommit(text: unknown): text is string {
  return typeof text === "string" && COMMIT.test(text);
}

/**
 * Whether a path stays inside the folder it is appended to, on every system: relative, `/`-separated, without empty
 * parts, `.`, `..`, backslashes, colons (drives and streams) and control characters.
 */
export function isSafePath(path: string): boolean {
  return (
    path.length <= 1024 &&
    !/[\\:\u0000-\u001f\u007f]/.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..")
  );
}

/** @throws HubError `bad-path` */
export function requireSafePath(path: string, where: string): void {
  if (isSafePath(path)) return;
  throw new HubError(
    "bad-path",
    `${where}: expected a relative path inside the repository, got ${quote(path)}`,
  );
}

/** Text from elsewhere, for a message. */
export function quote(text: unknown): string {
  return JSON.stringify(String(text).slice(0, 120));
}
