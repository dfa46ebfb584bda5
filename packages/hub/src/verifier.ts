/** Whether bytes are the file that a hub announced: by SHA-256, or as git names blobs. */
import type { FileFacts } from "./http/remote-file.js";
import type { Platform } from "./platform.js";

/** Takes the content in order, and compares at the end. */
export interface Verifier {
  update(bytes: Uint8Array): void;
  /** What was expected and what came; undefined if they agree, or nothing is known to compare with. */
  mismatch(): string | undefined;
}

export function verifierOf({ createHash }: Pick<Platform, "createHash">, facts: FileFacts): Verifier {
  if (facts.digest === "none") return { update() {}, mismatch: () => undefined };
  const hash = createHash(facts.digest === "sha256" ? "sha256" : "sha1");
  // `git hash-object`: the SHA-1 of a header and the content.
  if (facts.digest === "git-sha1") hash.update(new TextEncoder().encode(`blob ${facts.size}\0`));
  return {
    update: (bytes) => hash.update(bytes),
    mismatch() {
      const got = hash.hex();
      return got === facts.etag ? undefined : `expected ${facts.digest} ${facts.etag}, got ${got}`;
    },
  };
}
