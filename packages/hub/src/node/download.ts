/**
 * Downloads one file into the Hub's cache: into `<etag>.<8 hex>.incomplete` beside its place, checked, then renamed.
 * What an earlier attempt left, in this process or another, ours or the Hub's own, is taken over and continued.
 */
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HubError } from "../errors.js";
import type { RemoteFile } from "../http/remote-file.js";
import type { Hash } from "../platform.js";
import type { FileProgress } from "../progress.js";
import { verifierOf } from "../verifier.js";
import { temporaryName } from "./atomic-write.js";
import { errnoOf, orMissing } from "./cache-error.js";

/**
 * Without a lock nobody knows whether an unfinished file is still being written; after this long without a byte it is
 * not, since attempts end much sooner.
 */
const ABANDONED_MS = 5 * 60_000;
/** A file with a wrong digest is downloaded again: what was left may have been wrong, or a byte went wrong on the way. */
const MAX_RESTARTS = 2;
const COPY_BYTES = 2 ** 20;

/** What a download needs to know. */
export interface Download {
  /** Where the file is to be. Its folder exists. */
  readonly blob: string;
  readonly remote: RemoteFile;
  /** Whether a lock keeps others from writing the same file. */
  readonly exclusive: boolean;
  readonly createHash: (algorithm: "sha1" | "sha256") => Hash;
  readonly progress: FileProgress;
  readonly signal: AbortSignal | undefined;
}

/**
 * Downloads, verifies, commits. What is unfinished stays for the next attempt, unless it is wrong.
 * Rejects with HubError, the file system's error, or the signal's reason.
 */
export async function downloadBlob(download: Download): Promise<void> {
  download.progress.want(download.remote.facts.size);
  let path = (await takeOver(download)) ?? temporaryName(download.blob);
  for (let restarts = 0; ; restarts++) {
    try {
      return await continueFile(path, download);
    } catch (error) {
      const wrong = error instanceof HubError && error.code === "hash-mismatch";
      if (!wrong || restarts === MAX_RESTARTS) throw error;
      path = temporaryName(download.blob);
    }
  }
}

/** Renames what an earlier attempt left to a name of our own: only one process can. The one with most bytes wins. */
async function takeOver({ blob, remote, exclusive }: Download): Promise<string | undefined> {
  const folder = dirname(blob);
  const unfinished = new RegExp(`^${escape(basename(blob))}(?:\\.[0-9a-f]{8})?\\.incomplete$`);
  const candidates: { path: string; size: number }[] = [];
  for (const name of await readdir(folder)) {
    if (!unfinished.test(name)) continue;
    const path = join(folder, name);
    const found = await orMissing(stat(path));
    if (found === undefined) continue;
    if (exclusive || Date.now() - found.mtimeMs > ABANDONED_MS) candidates.push({ path, size: found.size });
  }
  candidates.sort((a, b) => b.size - a.size);
  let taken: string | undefined;
  for (const { path, size } of candidates) {
    if (taken !== undefined || size > remote.facts.size) {
      await rm(path, { force: true });
      continue;
    }
    const name = temporaryName(blob);
    try {
      await rename(path, name);
      taken = name;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }
  return taken;
}

async function continueFile(
  path: string,
  { blob, remote, createHash, progress, signal }: Download,
): Promise<void> {
  const { facts } = remote;
  const file = await open(path, "a+");
  let mismatch: string | undefined;
  try {
    const verifier = verifierOf({ createHash }, facts);
    let at = await hashFile(file, (bytes) => verifier.update(bytes), signal);
    progress.have(at);
    await remote.stream(
      at,
      facts.size,
      async (chunk) => {
        await writeAll(file, chunk);
        verifier.update(chunk);
        at += chunk.length;
        progress.add(chunk.length);
      },
      { whole: "skip", signal },
    );
    mismatch = verifier.mismatch();
    if (mismatch === undefined) await file.sync(); // the name is not to outlive the content in a power failure
  } finally {
    await file.close();
  }
  if (mismatch !== undefined) {
    await rm(path, { force: true });
    progress.have(0);
    throw new HubError("hash-mismatch", `${remote.label}: ${mismatch}`);
  }
  await rename(path, blob);
}

/** Reads what is there. Returns its size. */
async function hashFile(
  file: FileHandle,
  use: (bytes: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<number> {
  const buffer = new Uint8Array(COPY_BYTES);
  for (let at = 0; ;) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return at;
    use(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** Appends. A file size limit or a full disk may take some of it before it refuses. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    at += bytesWritten;
  }
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
