/** What `model` may be: a known name, anything that `@textower/weights` opens, or a checkpoint that is open already. */
import { openCheckpoint } from "@textower/weights";
import type { Checkpoint, OpenCheckpointOptions } from "@textower/weights";

/** Everything `openCheckpoint` takes. */
type CheckpointSource = Parameters<typeof openCheckpoint>[0];

/**
 * - a string: the known name `"shapes"` (the tiny model that comes with the package), a path (Node, Deno, Bun), or a URL
 * - a URL, a Blob or File, an ArrayBuffer or Uint8Array, or a ByteSource
 * - files together: a URL that ends in `/`, a FileSystemDirectoryHandle, a list of Files, a FileCollection
 * - an open Checkpoint, which stays the caller's: `dispose` does not close it
 */
export type ModelSource = CheckpointSource | Checkpoint;

/** A checkpoint, and whether closing it is up to the encoder. */
export interface OpenedModel {
  readonly checkpoint: Checkpoint;
  readonly owned: boolean;
}

/** Opens a model, to be read whole. Rejects with what `openCheckpoint` rejects with. */
export async function openModel(model: ModelSource, options: OpenCheckpointOptions): Promise<OpenedModel> {
  if (isCheckpoint(model)) return { checkpoint: model, owned: false };
  if (model !== "shapes")
    return { checkpoint: await openCheckpoint(model, { readAhead: true, ...options }), owned: true };
  const { shapesModel } = await import("@textower/model-shapes");
  const config = options.config ?? (await readJson(shapesModel.config, options.signal));
  return { checkpoint: await openCheckpoint(shapesModel.model, { ...options, config }), owned: true };
}

function isCheckpoint(model: ModelSource): model is Checkpoint {
  return typeof model === "object" && "descriptor" in model && "tokenEmbedding" in model;
}

async function readJson(url: URL, signal: AbortSignal | undefined): Promise<unknown> {
  if (url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return JSON.parse(await readFile(url, "utf8"));
  }
  return (await fetch(url, signal === undefined ? {} : { signal })).json();
}
