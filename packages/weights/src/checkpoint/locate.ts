/**
 * From what a user names (a path, a directory, an address, bytes) to a source of bytes, and to the config files that
 * lie beside it. Layouts: transformers (`model.safetensors`, `config.json`) and OpenCLIP (`open_clip_model.safetensors`,
 * `open_clip_config.json`).
 */
import { blobSource } from "../sources/blob.js";
import { bufferSource } from "../sources/buffer.js";
import { ByteSourceError, HttpError, isByteSource } from "../sources/byte-source.js";
import type { ByteSource } from "../sources/byte-source.js";
import { fileSource, fileSystem } from "../sources/file.js";
import { displayName, httpSource } from "../sources/http.js";
import type { HttpSourceOptions } from "../sources/http.js";
import { CheckpointError } from "./errors.js";

/** What a checkpoint can be opened from. */
export type CheckpointSource = string | URL | Blob | ArrayBuffer | Uint8Array | ByteSource;

/** A source and its surroundings. */
export interface Located {
  readonly source: ByteSource;
  /** Whether the source was opened here, and so is to be closed if something goes wrong. */
  readonly owned: boolean;
  /** Whether it is a file of this machine, whose config is looked for unasked. */
  readonly local: boolean;
  /** Text of a file in the same directory; undefined if there is none. Absent where there is no directory. */
  readonly sibling?: (name: string, signal: AbortSignal | undefined) => Promise<string | undefined>;
}

/** Names of weight files in a directory, in the order in which they are looked for. */
const WEIGHT_FILES = [
  "model.safetensors",
  "open_clip_model.safetensors",
  "open_clip_pytorch_model.safetensors",
  "pytorch_model.bin",
  "open_clip_pytorch_model.bin",
] as const;
/** A larger config than this is none. */
const MAX_CONFIG_BYTES = 16 * 2 ** 20;

/**
 * Rejects with CheckpointError (`no-checkpoint`, `sharded`, `bad-option`), ByteSourceError or the signal's reason.
 */
export async function locate(given: CheckpointSource, options: HttpSourceOptions): Promise<Located> {
  if (typeof given === "string" && !/^(?:https?|file):\/\//i.test(given))
    return locateFile(given, options.signal);
  if (typeof given === "string" || given instanceof URL) {
    const url = new URL(given);
    if (url.protocol === "file:") return locateFile(url, options.signal);
    return locateUrl(url, options);
  }
  if (given instanceof Blob) return { source: blobSource(given), owned: true, local: false };
  if (given instanceof Uint8Array || given instanceof ArrayBuffer) {
    return { source: bufferSource(given), owned: true, local: false };
  }
  if (isByteSource(given)) return { source: given, owned: false, local: false };
  throw new CheckpointError(
    "bad-option",
    `openCheckpoint: expected a path, URL, Blob, ArrayBuffer, Uint8Array or ByteSource, got ${typeof given}`,
  );
}

async function locateUrl(url: URL, options: HttpSourceOptions): Promise<Located> {
  return {
    source: await httpSource(url, options),
    owned: true,
    local: false,
    async sibling(name, signal) {
      const address = new URL(name, url);
      const fetch = options.fetch ?? globalThis.fetch;
      const response = await fetch(address, {
        ...(options.headers && { headers: options.headers }),
        ...(signal && { signal }),
      }).catch((cause: unknown) => {
        signal?.throwIfAborted();
        throw new HttpError("network", `${displayName(address)}: request failed`, { cause });
      });
      if (response.ok) return response.text();
      await response.body?.cancel();
      if (response.status === 404) return undefined;
      const { status } = response;
      throw new HttpError("http-status", `${displayName(address)}: expected 200, got ${status}`, { status });
    },
  };
}

async function locateFile(path: string | URL, signal: AbortSignal | undefined): Promise<Located> {
  const name = String(path);
  const fs = await fileSystem(name);
  signal?.throwIfAborted();
  const isDirectory = await fs.stat(path).then(
    (stats) => stats.isDirectory(),
    () => false, // opening the file will say what is wrong
  );
  const file = isDirectory ? join(path, await chooseFile(name, await fs.readdir(path))) : path;
  return {
    source: await fileSource(file),
    owned: true,
    local: true,
    sibling: (sibling, signal) => readText(isDirectory ? join(path, sibling) : beside(file, sibling), signal),
  };
}

/** The one weight file of a directory. */
function chooseFile(directory: string, names: readonly string[]): string {
  const known = WEIGHT_FILES.find((name) => names.includes(name));
  if (known !== undefined) return known;
  if (names.some((name) => name.endsWith(".safetensors.index.json"))) {
    throw new CheckpointError(
      "sharded",
      `${directory}: expected one file, got a checkpoint in several (….index.json)`,
    );
  }
  const others = names.filter((name) => /\.(?:safetensors|bin|pt|pth)$/.test(name));
  if (others.length === 1) return others[0]!;
  const got = others.length > 1 ? others : names;
  throw new CheckpointError(
    "no-checkpoint",
    `${directory}: expected ${WEIGHT_FILES.join(", ")} or a single .safetensors, .bin, .pt or .pth file, got ${got.slice(0, 6).join(", ") || "nothing"}`,
  );
}

async function readText(path: string | URL, signal: AbortSignal | undefined): Promise<string | undefined> {
  let source: ByteSource;
  try {
    source = await fileSource(path);
  } catch (error) {
    if (error instanceof ByteSourceError && error.code === "not-found") return undefined;
    throw error;
  }
  try {
    if (source.size > MAX_CONFIG_BYTES) {
      const message = `${source.name}: expected at most ${MAX_CONFIG_BYTES} bytes, got ${source.size}`;
      throw new CheckpointError("bad-config", message);
    }
    const bytes = new Uint8Array(source.size);
    await source.read(0, bytes, signal);
    return new TextDecoder().decode(bytes);
  } finally {
    await source.close();
  }
}

function join(directory: string | URL, name: string): string | URL {
  if (typeof directory === "string") return directory.replace(/[/\\]*$/, "/") + name;
  return new URL(name, directory.href.replace(/\/*$/, "/"));
}

/** Another file of the same directory. */
function beside(file: string | URL, name: string): string | URL {
  return typeof file === "string" ? file.replace(/[^/\\]*$/, name) : new URL(name, file);
}
