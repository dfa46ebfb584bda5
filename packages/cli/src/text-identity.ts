/** What of a command line decides how a text becomes tokens: shards that differ in it do not mix. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { EncoderTextOptions } from "./options.js";

/** Rejects as the file system does. */
export async function textIdentity({
  cleaning,
  vocabulary,
}: Pick<EncoderTextOptions, "cleaning" | "vocabulary">): Promise<Record<string, string>> {
  return {
    ...(cleaning !== undefined && { cleaning }),
    ...(vocabulary !== undefined && {
      vocabulary: createHash("sha256")
        .update(await readFile(vocabulary))
        .digest("hex"),
    }),
  };
}
