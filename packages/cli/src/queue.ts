/** What commands that use the queue have in common. BullMQ and ioredis are the user's, and loaded when they are needed. */
import type * as queueModule from "@textower/bulk/queue";
import { UsageError } from "./errors.js";
import type { Io } from "./io.js";

/** Which queue. */
export interface QueueFlags {
  /** `true`: from the environment. */
  readonly redis?: string | true;
  readonly queue: string;
  readonly root: string;
}

/** @throws UsageError where neither the flag nor the environment has an address */
export function queueOptions({ redis, queue, root }: QueueFlags, { env }: Io): queueModule.QueueOptions {
  const url = typeof redis === "string" ? redis : env["TEXTOWER_REDIS"];
  if (url === undefined || !/^rediss?:\/\//.test(url)) {
    throw new UsageError("--redis: expected redis://… or rediss://…, here or in TEXTOWER_REDIS, got none");
  }
  return { redis: url, queue, root };
}

/** @throws UsageError where BullMQ or ioredis are not installed */
export async function loadQueue(): Promise<typeof queueModule> {
  try {
    return await import("@textower/bulk/queue");
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new UsageError("--redis: expected bullmq and ioredis beside textower: npm install bullmq ioredis", {
      cause,
    });
  }
}
