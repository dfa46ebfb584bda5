/**
 * Where results go: standard output, or a file that appears under its name only when it is complete.
 *
 * Not here: formats.
 */
import { createReadStream } from "node:fs";
import { open, realpath, rename, rm, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { flush, write } from "../io.js";
import type { Io } from "../io.js";

/** Takes bytes in order. Ends with `commit` or `discard`. */
export interface Destination {
  /** Whether what is written shows up on a terminal. */
  readonly isTerminal: boolean;
  write(chunk: string | Uint8Array): Promise<void>;
  /** Writes over the first bytes again. Only where `seekable` was asked for. */
  overwriteStart(bytes: Uint8Array): Promise<void>;
  /** Makes the result final. */
  commit(): Promise<void>;
  /** Removes what is not final; after `commit`, nothing. */
  discard(): Promise<void>;
}

/**
 * Opens `--output FILE`, or standard output without one.
 *
 * A file is written beside its place and renamed at the end. What is no regular file (`/dev/null`, a named pipe) is
 * written to as it is. A seekable destination that is a stream keeps the bytes in a temporary file until `commit`.
 */
export async function openDestination(
  io: Io,
  path: string | undefined,
  { seekable }: { readonly seekable: boolean },
): Promise<Destination> {
  if (path === undefined) return openStream(io.stdout, io.stdout.isTTY === true, seekable);
  const existing = await stat(path).catch(() => undefined);
  if (existing !== undefined && !existing.isFile()) {
    const stream = (await open(path, "w")).createWriteStream();
    stream.on("error", () => undefined); // whoever writes or flushes gets it
    return openStream(stream, false, seekable);
  }
  const target = existing === undefined ? path : await realpath(path); // a link stays a link
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.part`);
  return new FileDestination(await open(temporary, "wx"), temporary, () => rename(temporary, target));
}

async function openStream(stream: Writable, isTerminal: boolean, seekable: boolean): Promise<Destination> {
  if (!seekable) return new StreamDestination(stream, isTerminal);
  const temporary = join(tmpdir(), `textower.${process.pid}.${Date.now()}.part`);
  return new FileDestination(await open(temporary, "wx"), temporary, async () => {
    for await (const chunk of createReadStream(temporary)) await write(stream, chunk as Buffer);
    await flush(stream);
    await rm(temporary, { force: true });
  });
}

class StreamDestination implements Destination {
  readonly #stream: Writable;
  constructor(
    stream: Writable,
    readonly isTerminal: boolean,
  ) {
    this.#stream = stream;
  }

  write(chunk: string | Uint8Array): Promise<void> {
    return write(this.#stream, chunk);
  }

  overwriteStart(): Promise<void> {
    return Promise.reject(new Error("overwriteStart: expected a seekable destination, got a stream"));
  }

  commit(): Promise<void> {
    return flush(this.#stream);
  }

  discard(): Promise<void> {
    return Promise.resolve();
  }
}

/** Gathers small writes, so that a file is not written line by line. */
const BUFFER_BYTES = 2 ** 18;

class FileDestination implements Destination {
  readonly isTerminal = false;
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #finish: () => Promise<void>;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #closed = false;

  constructor(handle: FileHandle, path: string, finish: () => Promise<void>) {
    this.#handle = handle;
    this.#path = path;
    this.#finish = finish;
  }

  async write(chunk: string | Uint8Array): Promise<void> {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= BUFFER_BYTES) await this.#drain();
  }

  async overwriteStart(bytes: Uint8Array): Promise<void> {
    await this.#drain();
    await this.#handle.write(bytes, 0, bytes.length, 0);
  }

  async commit(): Promise<void> {
    await this.#drain();
    await this.#close();
    await this.#finish();
  }

  async discard(): Promise<void> {
    await this.#close();
    await rm(this.#path, { force: true });
  }

  async #drain(): Promise<void> {
    const bytes = Buffer.concat(this.#chunks);
    [this.#chunks, this.#bytes] = [[], 0];
    for (let at = 0; at < bytes.length;) {
      at += (await this.#handle.write(bytes, at, bytes.length - at)).bytesWritten;
    }
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }
}
