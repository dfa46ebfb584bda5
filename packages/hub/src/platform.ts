/** What differs between Node and browsers. `index.ts` and `browser.ts` bring one each; nothing else knows which. */
import type { ByteSource } from "@textower/weights";
import type { BlockStorage } from "./blocks/block-storage.js";
import type { FileFacts, RemoteFile } from "./http/remote-file.js";
import type { CacheEstimate } from "./options.js";
import type { FileProgress } from "./progress.js";

/** See the file's head. */
export interface Platform {
  /**
   * Whether `fetch` shows redirects. In Node it does, and the headers of each hop can be read; browsers follow
   * redirects unseen (and drop `Authorization` at another origin: Fetch standard, HTTP-redirect fetch).
   */
  readonly redirects: "visible" | "followed";
  /** What the environment says where options do not. */
  readonly surroundings: () => Promise<Surroundings>;
  readonly openCache: (cacheDirectory: string, repository: string) => Promise<RepositoryCache>;
  readonly estimateCache: (cacheDirectory: string) => Promise<CacheEstimate>;
  readonly clearCache: (cacheDirectory: string, repository: string | undefined) => Promise<void>;
  readonly createHash: (algorithm: "sha1" | "sha256") => Hash;
  /** Resolves after a time, or rejects with the signal's reason. */
  readonly sleep: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
  /** In 0 … 1, for jitter. */
  readonly random: () => number;
}

/** Settings that were not given as options. */
export interface Surroundings {
  readonly endpoint?: string;
  readonly token?: string;
  readonly offline?: boolean;
  readonly cacheDirectory: string;
  readonly timeoutMs?: number;
}

/** A digest in the making. */
export interface Hash {
  update(bytes: Uint8Array): void;
  /** The digest, lower-case hexadecimal; the hash is used up. */
  hex(): string;
}

/** What is kept of one repository. */
export interface RepositoryCache {
  /** Parts of files, and what the hub said of them. */
  readonly blocks: BlockStorage;
  /** Whole files, where there is a file system. */
  readonly files?: FileStore;
}

/** A file of a repository at a commit. */
export interface FileAddress {
  readonly commit: string;
  readonly path: string;
}

/** Whole files in the Hub's own cache layout. */
export interface FileStore {
  /** The commit that a branch or tag stood for when it was last asked. */
  commitOf(revision: string): Promise<string | undefined>;
  /** Files of a commit that are there. */
  list(commit: string): Promise<string[]>;
  open(address: FileAddress): Promise<ByteSource | undefined>;
  /** Commits a file that is in memory and has been verified. */
  put(address: FileAddress, revision: string, facts: FileFacts, bytes: Uint8Array): Promise<void>;
  /** Downloads a file, resuming what an earlier attempt left, verifies it, commits it, and opens it. */
  download(
    address: FileAddress,
    revision: string,
    remote: RemoteFile,
    progress: FileProgress,
    signal: AbortSignal | undefined,
  ): Promise<ByteSource>;
}
