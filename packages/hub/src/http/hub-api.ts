/** The Hub's addresses, and the one question about a repository as a whole: which commit, which files. */
import { HubError, Retryable } from "../errors.js";
import type { Settings } from "../options.js";
import { isCommit, isSafePath } from "../reference.js";
import type { HubReference } from "../reference.js";
import { exchange } from "./exchange.js";
import type { Connection } from "./exchange.js";
import { retrying } from "./retrying.js";
import { statusError } from "./status-error.js";

/** A repository at a commit. Plain data, kept as JSON. */
export interface Listing {
  readonly commit: string;
  /** Paths; those that could lead out of a folder are left out. */
  readonly files: readonly string[];
}

/** A listing longer than this is none. */
const MAX_LISTING_BYTES = 32 * 2 ** 20;

/** Where a file is, at a revision. */
export function resolveUrl(
  { endpoint }: Settings,
  { repository, revision }: HubReference,
  path: string,
): URL {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return new URL(`${endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${encoded}`);
}

/** Asks for the commit and the files of a revision. Rejects with HubError, or the signal's reason. */
export function fetchListing(
  connection: Connection,
  reference: HubReference,
  signal: AbortSignal | undefined,
): Promise<Listing> {
  const { repository, revision } = reference;
  const { endpoint, token } = connection.settings;
  const label = `${repository}@${revision}`;
  const url = new URL(`${endpoint}/api/models/${repository}/revision/${encodeURIComponent(revision)}`);
  const asked = { label, repository, revision, kind: "revision", withToken: token !== undefined } as const;
  return retrying(connection, signal, () =>
    exchange(connection, { label, url, leave: true }, signal, async (answer) => {
      if (answer.response.status !== 200) throw statusError(answer, asked);
      const chunks: Uint8Array<ArrayBuffer>[] = [];
      let bytes = 0;
      await answer.eachChunk((chunk) => {
        bytes += chunk.length;
        if (bytes > MAX_LISTING_BYTES) throw badListing(label, `more than ${MAX_LISTING_BYTES} bytes`);
        chunks.push(new Uint8Array(chunk));
      });
      // The reply to a cut connection may be a shorter text; then it is no JSON.
      return parseListing(await new Blob(chunks).text(), label);
    }),
  );
}

function parseListing(json: string, label: string): Listing {
  let value: { readonly sha?: unknown; readonly siblings?: unknown } | null;
  try {
    value = JSON.parse(json);
  } catch {
    throw new Retryable(badListing(label, "no JSON"));
  }
  if (!isCommit(value?.sha)) throw badListing(label, "no commit (sha)");
  if (!Array.isArray(value.siblings)) throw badListing(label, "no list of files (siblings)");
  const files = value.siblings
    .map((sibling: { readonly rfilename?: unknown } | null) => sibling?.rfilename)
    .filter((name): name is string => typeof name === "string" && isSafePath(name));
  return { commit: value.sha, files };
}

function badListing(label: string, got: string): HubError {
  return new HubError("bad-answer", `${label}: expected commit and files of the repository, got ${got}`);
}
