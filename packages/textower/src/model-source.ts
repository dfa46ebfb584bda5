/** What `model` may be: a known name, anything that `@textower/weights` opens, or a checkpoint that is open already. */
import type { HubOptions } from "@textower/hub";
import { openCheckpoint } from "@textower/weights";
import type { Checkpoint, OpenCheckpointOptions } from "@textower/weights";

/** Everything `openCheckpoint` takes. */
type CheckpointSource = Parameters<typeof openCheckpoint>[0];

/**
 * - a string: the known name `"shapes"` (the tiny model that comes with the package), a path (Node, Deno, Bun), a URL, or
 *   a name on the Hugging Face Hub: `"openai/clip-vit-base-patch32"`, `"owner/name@revision"`, `"ViT-B/32"`. A path that
 *   exists comes before a name that reads the same; where there are no paths, names of weight files are URLs.
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

/** What is asked of `openCheckpoint`, and of the Hub. */
export interface OpenModelOptions extends OpenCheckpointOptions {
  readonly hub?: Omit<HubOptions, "signal">;
}

/** Opens a model, to be read whole. Rejects with what `openCheckpoint` and `openHub` reject with. */
export async function openModel(
  model: ModelSource,
  { hub, ...options }: OpenModelOptions,
): Promise<OpenedModel> {
  if (isCheckpoint(model)) return { checkpoint: model, owned: false };
  if (model === "shapes") return { checkpoint: await openShapes(options), owned: true };
  const reading = { readAhead: true, ...options };
  if (typeof model !== "string" || !(await isHubModel(model))) {
    return { checkpoint: await openCheckpoint(model, reading), owned: true };
  }
  const { signal } = options;
  const { openHub } = await import("@textower/hub");
  const files = await openHub(model, { ...hub, ...(signal === undefined ? {} : { signal }) });
  // What is known of a name stands in for what its config does not say; it does not contradict one.
  const hasConfig = (await files.list(signal))?.some((path) => CONFIGS.includes(path)) ?? false;
  const known = hasConfig || files.activation === undefined ? {} : { activation: files.activation };
  return { checkpoint: await openCheckpoint(files, { ...known, ...reading }), owned: true };
}

const CONFIGS: readonly string[] = ["config.json", "open_clip_config.json"];

async function openShapes(options: OpenCheckpointOptions): Promise<Checkpoint> {
  const { shapesModel } = await import("@textower/model-shapes");
  const config = options.config ?? (await readJson(shapesModel.config, options.signal));
  return openCheckpoint(shapesModel.model, { ...options, config });
}

/** Whether a string is a name on the Hub, and neither a URL nor a path. */
async function isHubModel(model: string): Promise<boolean> {
  if (URL.canParse(model) || /\.(safetensors|bin|pth?)$/.test(model)) return false;
  const { isHubName } = await import("@textower/hub");
  if (!isHubName(model)) return false;
  if (typeof process === "undefined" || process.versions?.node === undefined) return true;
  const { existsSync } = await import("node:fs");
  return !existsSync(model);
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
