/** Redis for BullMQ, and names of queues and jobs. */
import { createHash } from "node:crypto";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { Redis } from "ioredis";
import { BulkError } from "../errors.js";

/** Where jobs wait, and what machines share. */
export interface QueueOptions {
  /** `redis://[[user]:password@]host[:port][/database]`, or `rediss://`. */
  readonly redis: string;
  /** Name of the queue; default "textower-embed". */
  readonly queue?: string | undefined;
  /**
   * A directory that all machines see, at any path of their own: captions, shards and output lie in it, and jobs name
   * them from there. A worker touches nothing outside it, whatever a job says. Default: the current directory.
   */
  readonly root?: string | undefined;
}

/** Queue that is used unless another one is named. */
export const DEFAULT_QUEUE = "textower-embed";

/** A job: one shard. Paths are from the root, with slashes. */
export interface ShardJob {
  readonly directory: string;
  readonly input: string;
  readonly shard: number;
}

/**
 * Connects. The first attempt has to succeed; later the connection comes back by itself.
 * Rejects with BulkError `bad-option` if nobody answers; the address in it is without a password.
 */
export async function connect(url: string): Promise<Redis> {
  let hasConnected = false;
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null, // BullMQ waits for jobs in one request
    retryStrategy: (attempt) => (hasConnected ? Math.min(attempt * 200, 5000) : null),
  });
  let reason: Error | undefined;
  redis.on("error", (error: Error) => (reason = error)); // unheard, it would end the process
  try {
    await redis.connect();
    hasConnected = true;
    return redis;
  } catch (cause) {
    redis.disconnect();
    const error = reason ?? (cause as Error);
    throw new BulkError(
      "bad-option",
      `${withoutPassword(url)}: expected Redis, got ${error.message || error.name}`,
      { cause },
    );
  }
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//");
}

/**
 * A path as jobs name it.
 * @throws BulkError `bad-option` for a path outside the root
 */
export function fromRoot(root: string, path: string): string {
  const way = relative(resolve(root), resolve(path));
  if (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way)) return way.split(sep).join("/");
  throw new BulkError(
    "bad-option",
    `${path}: expected a path in the directory that workers share, ${resolve(root)}`,
  );
}

/** The other way. @throws BulkError `bad-option` for a path that leads out of the root */
export function toPath(root: string, way: unknown): string {
  if (typeof way !== "string") throw new BulkError("bad-option", `job: expected a path, got ${typeof way}`);
  const path = resolve(root, way);
  fromRoot(root, path);
  return path;
}

/** A job's id: the same for the same shard of the same work directory, so that it is queued once. */
export function jobId({ directory, shard }: ShardJob, sha256: string): string {
  const key = createHash("sha256").update(`${directory}\0${sha256}`).digest("hex").slice(0, 16);
  return `${key}-${shard}`;
}
