/**
 * One file of a hub: what is known of it, and its bytes by range, however often the connection breaks.
 *
 * Not here: keeping anything.
 */
import { HubError, Retryable } from "../errors.js";
import { exchange } from "./exchange.js";
import type { Connection, HubAnswer, HubRequest } from "./exchange.js";
import { retrying } from "./retrying.js";
import { statusError } from "./status-error.js";
import type { Asked } from "./status-error.js";

/** What a hub says of a file. */
export interface FileFacts {
  /** Names the content: equal tags, equal bytes. Safe as a file name. */
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
  /**
   * What the etag is: the SHA-256 of the content (files in LFS or Xet storage), the SHA-1 that git gives it as a blob
   * (others), or unknown.
   */
  readonly digest: "sha256" | "git-sha1" | "none";
}

/** Where a file is, and how it is talked about. */
export interface RemoteAddress {
  readonly url: URL;
  readonly asked: Asked;
  /** Published elsewhere, and so not taken from the server: the SHA-256. */
  readonly sha256?: string;
}

/**
 * Asks what there is to know about a file. Rejects with HubError, or the signal's reason.
 */
export async function fetchFacts(
  connection: Connection,
  address: RemoteAddress,
  signal: AbortSignal | undefined,
): Promise<FileFacts> {
  const { url, asked } = address;
  const visible = connection.platform.redirects === "visible";
  // Browsers do not show the headers of a redirect. Asked like this, the Hub answers by itself (huggingface.js does it).
  const byRange = {
    headers: { Range: "bytes=0-0", Accept: "application/vnd.xet-fileinfo+json, */*" },
    leave: true,
  };
  const ask = (how: Pick<HubRequest, "method" | "headers" | "leave">): Promise<Partial<FileFacts>> =>
    retrying(connection, signal, () =>
      exchange(connection, { url, label: asked.label, ...how }, signal, (answer) => {
        const { ok, status } = answer.response;
        const redirected = status >= 300 && status <= 399;
        if (!ok && !redirected && !isEmptyFile(answer)) throw statusError(answer, asked);
        return readFacts(answer, redirected);
      }),
    );
  let facts = visible ? await ask({ method: "HEAD", leave: false }) : await ask(byRange);
  if (visible && facts.size === undefined) facts = { ...(await ask(byRange)), ...facts };
  const { sha256 } = address;
  if (sha256 !== undefined) facts = { ...facts, etag: sha256, digest: "sha256" };
  const { etag, size, digest } = facts;
  if (etag === undefined || size === undefined || digest === undefined) {
    const missing = size === undefined ? "size" : "ETag";
    throw new HubError("bad-answer", `${asked.label}: expected the server to tell the file's ${missing}`);
  }
  return { etag, size, digest };
}

function readFacts(answer: HubAnswer, redirected: boolean): Partial<FileFacts> {
  const { response, hub } = answer;
  // What storage says after a redirect is about storage: its ETag need not be a digest of the content.
  const linked = hub.get("X-Linked-Etag");
  const etag = normaliseEtag(linked ?? hub.get("ETag") ?? response.headers.get("ETag"));
  const trusted = linked !== null || !response.redirected;
  const size =
    parseSize(hub.get("X-Linked-Size")) ??
    parseSize(/\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "")?.[1]) ??
    (redirected || response.status !== 200 ? undefined : parseSize(response.headers.get("Content-Length")));
  return {
    ...(etag !== undefined && { etag, digest: trusted ? digestOf(etag) : "none" }),
    ...(size !== undefined && { size }),
  };
}

/** Without `W/` and quotes. One that could not name a file safely is none. */
function normaliseEtag(header: string | null): string | undefined {
  const etag = header?.replace(/^W\//, "").replace(/^"(.*)"$/, "$1");
  return etag !== undefined && /^(?![-.])[\w.-]{1,128}$/.test(etag) ? etag : undefined;
}

function digestOf(etag: string): FileFacts["digest"] {
  if (/^[0-9a-f]{64}$/.test(etag)) return "sha256";
  return /^[0-9a-f]{40}$/.test(etag) ? "git-sha1" : "none";
}

function parseSize(text: string | null | undefined): number | undefined {
  return text !== null && text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A range of an empty file cannot be had: RFC 9110, section 15.5.17. */
function isEmptyFile({ response }: HubAnswer): boolean {
  return response.status === 416 && response.headers.get("Content-Range") === "bytes */0";
}

/** The server sends whole files only. */
export class RangeIgnored extends Error {
  override readonly name = "RangeIgnored";
}

/** See the file's head. */
export class RemoteFile {
  /** Where storage said the bytes are; a signed address that holds for a while. */
  #storage: URL | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly address: RemoteAddress,
    readonly facts: FileFacts,
    /** Called when an answer has agreed with the facts for the first time: now they are worth keeping. */
    private confirm: (() => Promise<void>) | undefined,
  ) {}

  get label(): string {
    return this.address.asked.label;
  }

  /**
   * Calls `use` with the bytes `begin` to `end`, in order and each once, over as many connections as it takes.
   * @param options.whole - what to do with a server that ignores ranges: `skip` reads past what is not wanted,
   * `refuse` rejects with RangeIgnored unless everything is wanted
   */
  async stream(
    begin: number,
    end: number,
    use: (chunk: Uint8Array) => void | Promise<void>,
    options: { readonly whole: "skip" | "refuse"; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    const { signal, whole } = options;
    let at = begin;
    let attemptBegan = begin;
    /** An attempt that brings less than this does not count as progress, or one byte at a time could go on for ever. */
    const enough = (): boolean => at - attemptBegan >= 64 * 1024;
    const attempt = async (): Promise<void> => {
      attemptBegan = at;
      if (at === end) return;
      const storage = this.#storage;
      const headers = { Range: `bytes=${at}-${end - 1}` };
      const request = { label: this.label, url: storage ?? this.address.url, headers, leave: true };
      const answered = exchange(this.connection, request, signal, async (answer) => {
        const body = this.#check(answer, at, end, storage !== undefined);
        // Where the body begins: at the beginning of the file if the range was ignored.
        let position = body.begin;
        if (answer.response.status === 200 && whole === "refuse" && end - begin < this.facts.size) {
          throw new RangeIgnored(this.label);
        }
        await answer.eachChunk(async (chunk) => {
          if (position + chunk.length > body.end) {
            throw this.#retryable("size-mismatch", `expected ${body.end - body.begin} bytes, got more`);
          }
          const from = Math.min(Math.max(at - position, 0), chunk.length);
          const to = Math.min(end - position, chunk.length);
          position += chunk.length;
          if (to <= from) return;
          await use(chunk.subarray(from, to));
          at += to - from;
        });
        if (at < end) {
          throw this.#retryable("cut", `the answer ended at byte ${position}, expected ${end}`);
        }
        if (answer.url.origin !== this.address.url.origin) this.#storage = answer.url;
      });
      await answered.catch((error: unknown) => {
        this.#storage = undefined; // it may have moved, or its signature run out: the hub is asked again
        throw error;
      });
    };
    await retrying(this.connection, signal, attempt, enough);
    const { confirm } = this;
    this.confirm = undefined;
    await confirm?.();
  }

  /** Checks status and headers, and says which bytes the body carries. */
  #check(answer: HubAnswer, at: number, end: number, storage: boolean): { begin: number; end: number } {
    const { response, hub } = answer;
    const { size, etag } = this.facts;
    const { status } = response;
    if (status !== 200 && status !== 206) {
      if (storage) throw this.#retryable("http-status", `storage answered ${status}`, 0);
      throw statusError(answer, this.address.asked);
    }
    const linked = normaliseEtag(hub.get("X-Linked-Etag"));
    if (this.address.sha256 === undefined && linked !== undefined && linked !== etag) {
      throw this.#retryable("changed", `expected version ${etag}, got ${linked}`);
    }
    if (status === 200) {
      const length = parseSize(response.headers.get("Content-Length"));
      const encoded = response.headers.get("Content-Encoding") ?? "identity";
      if (encoded === "identity" && length !== undefined && length !== size) {
        throw this.#retryable("size-mismatch", `expected ${size} bytes, the server announces ${length}`);
      }
      return { begin: 0, end: size };
    }
    const header = response.headers.get("Content-Range");
    const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header ?? "");
    const [first, last, total] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])];
    if (match === null || first !== at || last < first || last >= end) {
      const got = header === null ? "none" : JSON.stringify(header.slice(0, 80));
      throw this.#retryable(
        "bad-answer",
        `expected Content-Range bytes ${at}-${end - 1}/${size}, got ${got}`,
      );
    }
    if (total !== size) {
      throw this.#retryable("size-mismatch", `expected ${size} bytes, the server has ${total}`);
    }
    return { begin: first, end: last + 1 };
  }

  #retryable(code: HubError["code"], message: string, waitMs?: number): Retryable {
    return new Retryable(new HubError(code, `${this.label}: ${message}`), waitMs);
  }
}
