/**
 * The locks of the Hub's cache: `flock(2)` on `.locks/<repository>/<etag>.lock`, which the Hub's Python tools take too.
 * The kernel gives such a lock back when its holder ends, however it ends, so a file that an earlier process left
 * behind holds nobody up.
 *
 * Node has no call for it. Linux's `flock` command takes one on a descriptor that it inherits; the lock then stays with
 * this process, since it belongs to the open file and not to the process that asked. Where there is no such command
 * there is no lock; nothing relies on one: what is unfinished has a name of its own, and is renamed when it has been
 * verified. Without a lock, two processes that want the same file at once both download it.
 */
import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { mkdir, open, rm, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

/** A lock, or the lack of one. */
export interface Lock {
  /** Whether others that respect locks are kept out. */
  readonly held: boolean;
  /** Gives it back and takes the file away. Twice is harmless. */
  release(): Promise<void>;
}

/** Waits for the lock. Rejects with the file system's error, or the signal's reason. */
export async function takeLock(path: string, signal: AbortSignal | undefined): Promise<Lock> {
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    signal?.throwIfAborted();
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    let held: boolean;
    try {
      held = await flock(handle, signal);
      // Whoever had it has removed the file, and others may have locked a new one since.
      if (!(await isSameFile(handle, path))) {
        await handle.close();
        continue;
      }
    } catch (error) {
      await handle.close();
      throw error;
    }
    let released = false;
    return {
      held,
      async release() {
        if (released) return;
        released = true;
        // Removed first: while it is locked nobody else can have taken it.
        await rm(path, { force: true }).catch(() => {});
        await handle.close();
      },
    };
  }
}

async function isSameFile(handle: FileHandle, path: string): Promise<boolean> {
  const [mine, there] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)]);
  return there !== undefined && mine.ino === there.ino && mine.dev === there.dev;
}

/** Whether the lock could be taken; false where the system has none. */
async function flock(handle: FileHandle, signal: AbortSignal | undefined): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const done = await new Promise<boolean>((resolve) => {
    const child = spawn("flock", ["-x", "3"], {
      stdio: ["ignore", "ignore", "ignore", handle.fd],
      ...(signal && { signal }),
    });
    child.once("error", () => resolve(false)); // no such command, or aborted
    child.once("exit", (code) => resolve(code === 0)); // some network file systems have no locks
  });
  signal?.throwIfAborted();
  return done;
}
