/**
 * Opens a repository of a hub as a `FileCollection`: which commit, which files, and for each file where its bytes come
 * from: the cache, a download, or ranges.
 */
import { bufferSource } from "@textower/weights";
import type { Activation, ByteSource, FileCollection } from "@textower/weights";
import { BlockSource } from "./blocks/block-source.js";
import { keyPart } from "./blocks/block-storage.js";
import { StoredBlocks } from "./blocks/stored-blocks.js";
import { HubError, Retryable } from "./errors.js";
import type { HubErrorCode } from "./errors.js";
import type { Connection } from "./http/exchange.js";
import { fetchListing, resolveUrl } from "./http/hub-api.js";
import type { Listing } from "./http/hub-api.js";
import { fetchFacts, RemoteFile } from "./http/remote-file.js";
import type { FileFacts, RemoteAddress } from "./http/remote-file.js";
import { retrying } from "./http/retrying.js";
import { findKnownModel } from "./known-models.js";
import type { KnownArchive } from "./known-models.js";
import { settle } from "./options.js";
import type { HubOptions, Settings } from "./options.js";
import type { FileAddress, FileStore, Platform, RepositoryCache } from "./platform.js";
import { ProgressMeter } from "./progress.js";
import type { FileProgress } from "./progress.js";
import { isCommit, parseReference, requireSafePath } from "./reference.js";
import type { HubReference } from "./reference.js";
import { verifierOf } from "./verifier.js";

/** The files of a repository at one commit. Sources that were opened from it are closed by whoever opened them. */
export interface HubCollection extends FileCollection {
  /** `owner/name` */
  readonly repository: string;
  /** As asked for; "main" by default. Of an archive, the beginning of its SHA-256. */
  readonly revision: string;
  /** What the revision stood for when the collection was opened: all files are of this commit. */
  readonly commit: string;
  /** Of a known checkpoint (`knownModels`); for configs to agree with, and where there is none. */
  readonly activation: Activation | undefined;
}

/** Files up to this size are fetched whole, checked, and handed out from memory: configs, tokenizers, small weights. */
const SMALL_BYTES = 4 * 2 ** 20;
/**
 * The archives of openai/CLIP lie in no repository. In the cache they are one, with the beginning of a digest for a
 * commit, so that the Hub's tools can count and delete them.
 */
const ARCHIVES = "openaipublic/clip";

/** `openHub` on a platform. */
export async function openHubOn(
  platform: Platform,
  name: string,
  options: HubOptions = {},
): Promise<HubCollection> {
  const { download = "ranges", signal } = options;
  if (download !== "ranges" && download !== "whole") {
    throw new HubError(
      "bad-option",
      `openHub: expected download "ranges" or "whole", got ${String(download)}`,
    );
  }
  const known = findKnownModel(name);
  const archive = known?.archive;
  const reference =
    archive === undefined
      ? parseReference(name)
      : { repository: ARCHIVES, revision: archive.sha256.slice(0, 40) };
  const settings = await settle(platform, options);
  const cache = await platform.openCache(settings.cacheDirectory, reference.repository);
  const warned = new Set<HubErrorCode>();
  const warn = (warning: HubError): void => {
    if (warned.has(warning.code)) return;
    warned.add(warning.code);
    options.onWarning?.(warning);
  };
  const whole = download === "whole";
  const opened = { name, platform, settings, cache, reference, whole, warn };
  const listing =
    archive === undefined
      ? await findListing(opened, signal)
      : { commit: reference.revision, files: [archive.file] };
  return new Repository(opened, listing, archive, known?.activation, options.onProgress);
}

/** What a collection is made of. */
interface Opened {
  readonly name: string;
  readonly platform: Platform;
  readonly settings: Settings;
  readonly cache: RepositoryCache;
  readonly reference: HubReference;
  readonly whole: boolean;
  /** Tells each kind of warning once. */
  readonly warn: (warning: HubError) => void;
}

/** Asks the hub, or the cache if nothing may be fetched or the hub cannot be reached. A commit never changes. */
async function findListing(opened: Opened, signal: AbortSignal | undefined): Promise<Listing> {
  const { platform, settings, cache, reference } = opened;
  const { revision } = reference;
  const key = `revisions/${keyPart(revision)}.json`;
  const cached = (): Promise<Listing | undefined> => readRecord(cache, key, isListing);
  if (settings.offline || isCommit(revision)) {
    const listing = (await cached()) ?? (settings.offline ? await listFiles(opened) : undefined);
    if (listing !== undefined) return listing;
    if (settings.offline) {
      const message = `${opened.name}: not in the cache, and nothing may be fetched (offline)`;
      throw new HubError("offline", message);
    }
  }
  try {
    const listing = await fetchListing({ settings, platform }, reference, signal);
    await writeRecord(opened, key, listing);
    return listing;
  } catch (error) {
    if (!(error instanceof HubError) || !isUnreachable(error)) throw error;
    const listing = (await cached()) ?? (await listFiles(opened));
    if (listing === undefined) throw error;
    opened.warn(error);
    return listing;
  }
}

/** What the Hub's own tools have left: a branch's commit and the files of it that were downloaded. */
async function listFiles({ cache, reference: { revision } }: Opened): Promise<Listing | undefined> {
  const commit = isCommit(revision) ? revision : await cache.files?.commitOf(revision);
  const files = commit === undefined ? [] : ((await cache.files?.list(commit)) ?? []);
  return commit === undefined || files.length === 0 ? undefined : { commit, files };
}

function isUnreachable({ code, status }: HubError): boolean {
  return (
    ["network", "stalled", "cut", "rate-limited"].includes(code) || (status !== undefined && status >= 500)
  );
}

/** See `HubCollection`. */
class Repository implements HubCollection {
  readonly name: string;
  readonly repository: string;
  readonly revision: string;
  readonly commit: string;
  readonly #files: ReadonlySet<string>;
  readonly #meter: ProgressMeter;

  constructor(
    private readonly opened: Opened,
    listing: Listing,
    private readonly archive: KnownArchive | undefined,
    readonly activation: Activation | undefined,
    onProgress: HubOptions["onProgress"],
  ) {
    const { reference } = opened;
    this.name = opened.name;
    this.repository = reference.repository;
    this.revision = reference.revision;
    this.commit = listing.commit;
    this.#files = new Set(listing.files);
    this.#meter = new ProgressMeter(onProgress);
  }

  async list(): Promise<readonly string[]> {
    return [...this.#files];
  }

  async open(path: string, signal?: AbortSignal): Promise<ByteSource | undefined> {
    requireSafePath(path, this.name);
    signal?.throwIfAborted();
    if (!this.#files.has(path)) return undefined;
    const { cache } = this.opened;
    const address = { commit: this.commit, path };
    const cached = await cache.files?.open(address);
    if (cached !== undefined) return cached;
    const known = await this.#facts(address, signal);
    if (known === undefined) return undefined;
    const { facts } = known;
    const progress = this.#meter.file(path);
    const remote = this.opened.settings.offline ? undefined : this.#remote(address, known);
    const { files } = cache;
    const isSmall = facts.size <= SMALL_BYTES;
    if (files !== undefined && (isSmall || this.opened.whole)) {
      if (remote === undefined) throw this.#offline(path);
      return isSmall
        ? this.#openSmall(address, remote, files, progress, signal)
        : files.download(address, this.revision, remote, progress, signal);
    }
    const source = await this.#openBlocks(address, facts, remote, progress);
    if (isSmall || this.opened.whole) await this.#again(() => source.complete(signal), signal);
    return source;
  }

  /** What the hub says of a file; undefined if it says that there is none after all. */
  async #facts(address: FileAddress, signal: AbortSignal | undefined): Promise<KnownFacts | undefined> {
    const { cache, settings } = this.opened;
    const recorded = await readRecord(cache, factsKey(address), isFacts);
    if (recorded !== undefined) return { facts: recorded, recorded: true };
    if (settings.offline) throw this.#offline(address.path);
    try {
      const facts = await fetchFacts(this.#connection, this.#address(address), signal);
      return { facts, recorded: false };
    } catch (error) {
      if (error instanceof HubError && error.code === "entry-not-found") return undefined;
      throw error;
    }
  }

  /** Fetched whole and checked in memory, so that it can be had where nothing can be kept. */
  async #openSmall(
    address: FileAddress,
    remote: RemoteFile,
    files: FileStore,
    progress: FileProgress,
    signal: AbortSignal | undefined,
  ): Promise<ByteSource> {
    const { facts } = remote;
    const name = `${this.name}/${address.path}`;
    const bytes = new Uint8Array(facts.size);
    progress.want(facts.size);
    await this.#again(async () => {
      const verifier = verifierOf(this.opened.platform, facts);
      let at = 0;
      progress.have(0);
      await remote.stream(
        0,
        facts.size,
        (chunk) => {
          bytes.set(chunk, at);
          at += chunk.length;
          verifier.update(chunk);
          progress.add(chunk.length);
        },
        { whole: "skip", signal },
      );
      const mismatch = verifier.mismatch();
      if (mismatch !== undefined) throw new HubError("hash-mismatch", `${name}: ${mismatch}`);
    }, signal);
    try {
      await files.put(address, this.revision, facts, bytes);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      this.opened.warn(error);
    }
    return bufferSource(bytes, name);
  }

  async #openBlocks(
    address: FileAddress,
    facts: FileFacts,
    remote: RemoteFile | undefined,
    progress: FileProgress,
  ): Promise<BlockSource> {
    const { cache, platform } = this.opened;
    const blocks = await StoredBlocks.open(cache.blocks, facts.etag, facts.size, this.opened.warn);
    const name = `${this.name}/${address.path}`;
    return new BlockSource(name, remote, blocks, facts.size, progress, () => verifierOf(platform, facts));
  }

  /** A wrong digest is worth another attempt. */
  #again(work: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    return retrying(this.#connection, signal, async () => {
      try {
        await work();
      } catch (error) {
        throw error instanceof HubError && error.code === "hash-mismatch" ? new Retryable(error) : error;
      }
    });
  }

  get #connection(): Connection {
    return this.opened;
  }

  #remote(address: FileAddress, { facts, recorded }: KnownFacts): RemoteFile {
    const keep = (): Promise<void> => writeRecord(this.opened, factsKey(address), facts);
    return new RemoteFile(this.#connection, this.#address(address), facts, recorded ? undefined : keep);
  }

  #address({ commit, path }: FileAddress): RemoteAddress {
    const { settings } = this.opened;
    const { repository } = this;
    const withToken = settings.token !== undefined && this.archive === undefined;
    const label = `${this.name}/${path}`;
    const asked = { label, repository, revision: this.revision, kind: "entry", withToken } as const;
    if (this.archive !== undefined) {
      return { url: new URL(this.archive.url), sha256: this.archive.sha256, asked };
    }
    return { url: resolveUrl(settings, { repository, revision: commit }, path), asked };
  }

  #offline(path: string): HubError {
    const message = `${this.name}/${path}: not in the cache, and nothing may be fetched (offline)`;
    return new HubError("offline", message);
  }
}

interface KnownFacts {
  readonly facts: FileFacts;
  /** Whether they come from the cache. */
  readonly recorded: boolean;
}

function factsKey({ commit, path }: FileAddress): string {
  return `files/${commit}/${keyPart(path)}.json`;
}

async function readRecord<T>(
  { blocks }: RepositoryCache,
  key: string,
  check: (value: unknown) => value is T,
): Promise<T | undefined> {
  const bytes = await blocks.read(key);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return check(value) ? value : undefined;
  } catch {
    return undefined; // damaged: as good as none
  }
}

/** Records spare a question the next time; nothing depends on them but reading offline. */
async function writeRecord({ cache, warn }: Opened, key: string, value: unknown): Promise<void> {
  try {
    await cache.blocks.write(key, new TextEncoder().encode(JSON.stringify(value)));
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    warn(error);
  }
}

function isListing(value: unknown): value is Listing {
  const listing = value as Partial<Listing> | null;
  return (
    isCommit(listing?.commit) &&
    Array.isArray(listing.files) &&
    listing.files.every((file) => typeof file === "string")
  );
}

function isFacts(value: unknown): value is FileFacts {
  const facts = value as Partial<FileFacts> | null;
  return (
    typeof facts?.etag === "string" &&
    Number.isSafeInteger(facts.size) &&
    ["sha256", "git-sha1", "none"].includes(facts.digest as string)
  );
}
