/**
 * What a command sees of the outside: three streams, an environment, a signal. A process fits as it is.
 *
 * Not here: files.
 */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** See the file's head. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the command between two runs of the model, or while it waits for input. */
  readonly signal?: AbortSignal;
}

/** Writes a chunk, and waits while the reader is slow. Rejects with the stream's error, such as EPIPE. */
export async function write(stream: Writable, chunk: string | Uint8Array): Promise<void> {
  if (stream.errored) throw stream.errored;
  if (stream.write(chunk)) return;
  await once(stream, "drain");
}

/** Waits until everything written before has left the process. Rejects with the stream's error. */
export async function flush(stream: Writable): Promise<void> {
  if (stream.errored) throw stream.errored;
  await new Promise<void>((resolve, reject) => {
    stream.write("", (error) => (error ? reject(error) : resolve()));
  });
}
