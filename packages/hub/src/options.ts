/** Options of `openHub`, and what they come to together with the environment. */
import { HubError } from "./errors.js";
import type { Platform } from "./platform.js";
import type { HubProgress } from "./progress.js";
import { quote } from "./reference.js";

/** What reaches a hub and its cache. Each option wins over its environment variable (Node, Deno, Bun). */
export interface HubConnectionOptions {
  /** Address of the hub. `HF_ENDPOINT`, else https://huggingface.co */
  readonly endpoint?: string | URL;
  /**
   * Sent to the endpoint's origin and nowhere else; `null` sends none. `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, else the
   * file `HF_TOKEN_PATH` (`$HF_HOME/token`), unless `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set.
   */
  readonly token?: string | null;
  /** Whether nothing is to be fetched. `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`, else false. */
  readonly offline?: boolean;
  /** The Hub's cache. `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, else `$HF_HOME/hub`. Ignored in browsers. */
  readonly cacheDirectory?: string;
  /** Attempts after the first, each of which starts where the last one ended; progress resets the count. Default 5. */
  readonly retries?: number;
  /** Milliseconds without a byte after which an attempt counts as failed. `HF_HUB_DOWNLOAD_TIMEOUT` (s), else 10000. */
  readonly timeoutMs?: number;
  /** Default: the runtime's `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Options of `openHub`. */
export interface HubOptions extends HubConnectionOptions {
  /**
   * How files above 4 MiB are read. `ranges` (default): what is read is fetched, in blocks of 64 KiB that are kept; of
   * the content only size and version can be checked. `whole`: the file is downloaded when it is opened, and its
   * SHA-256 checked; in Node it is then shared with the Hub's Python tools. Smaller files are always fetched whole.
   */
  readonly download?: "ranges" | "whole";
  /** Aborts the opening; `open` and `read` have signals of their own. */
  readonly signal?: AbortSignal;
  /** Told about bytes that come from the network. */
  readonly onProgress?: (progress: HubProgress) => void;
  /** Told what did not keep a file from being had: a cache that cannot be written, a hub that cannot be reached. */
  readonly onWarning?: (warning: HubError) => void;
}

/** Sizes of a cache, in bytes. */
export interface CacheEstimate {
  /** Everything together. */
  readonly bytes: number;
  /** What the browser grants this origin; absent elsewhere. */
  readonly quota?: number;
  readonly repositories: readonly {
    readonly repository: string;
    /** Whole files, shared with other tools. */
    readonly fileBytes: number;
    /** Parts of files, which only this package uses. */
    readonly blockBytes: number;
  }[];
}

/** Options together with the environment. */
export interface Settings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly origin: string;
  readonly token: string | undefined;
  readonly offline: boolean;
  readonly cacheDirectory: string;
  readonly retries: number;
  readonly timeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
}

const DEFAULT_ENDPOINT = "https://huggingface.co";
const DEFAULT_RETRIES = 5;
/** That of the reference client. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** @throws HubError `bad-option` */
export async function settle(platform: Platform, options: HubConnectionOptions): Promise<Settings> {
  const around = await platform.surroundings();
  const endpoint = parseEndpoint(options.endpoint ?? around.endpoint ?? DEFAULT_ENDPOINT);
  const token = options.token === undefined ? around.token : (options.token ?? undefined);
  // Checked here because the runtime's message about a bad header would quote it.
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new HubError("bad-option", "openHub: expected a token of printable ASCII characters");
  }
  return {
    endpoint: endpoint.href.replace(/\/+$/, ""),
    origin: endpoint.origin,
    token,
    offline: options.offline ?? around.offline ?? false,
    cacheDirectory: options.cacheDirectory ?? around.cacheDirectory,
    retries: count("retries", options.retries ?? DEFAULT_RETRIES, 0),
    timeoutMs: count("timeoutMs", options.timeoutMs ?? around.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1),
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
  };
}

function parseEndpoint(given: string | URL): URL {
  let url: URL | undefined;
  try {
    url = new URL(given);
  } catch {
    // reported below
  }
  const web = url?.protocol === "https:" || url?.protocol === "http:";
  if (url === undefined || !web || url.username + url.password + url.search + url.hash !== "") {
    const got = url === undefined ? quote(given) : `${url.protocol}//${url.host}`;
    const expected = "an http(s) address without user, password, query and fragment";
    throw new HubError("bad-option", `openHub: expected endpoint to be ${expected}, got ${got}`);
  }
  return url;
}

function count(name: string, value: number, least: number): number {
  if (Number.isFinite(value) && value >= least) return value;
  throw new HubError("bad-option", `openHub: expected ${name} from ${least}, got ${value}`);
}
