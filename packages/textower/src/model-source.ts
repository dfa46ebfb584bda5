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

/** What `openCheckpoint` and `inspectCheckpoint` are called with for a model. */
export interface LocatedModel {
  readonly source: CheckpointSource;
  readonly options: OpenCheckpointOptions;
}

/** Opens a model, to be read whole. Rejects with what `openCheckpoint` and `openHub` reject with. */
export async function openModel(model: ModelSource, options: OpenModelOptions): Promise<OpenedModel> {
  if (isCheckpoint(model)) return { checkpoint: model, owned: false };
  const located = await locateModel(model, options);
  const checkpoint = await openCheckpoint(located.source, { readAhead: true, ...located.options });
  return { checkpoint, owned: true };
}

/**
 * What stands behind the names that `createTextEncoder` takes, for programs that open checkpoints themselves: `"shapes"`
 * and names on the Hub become files with what is known of them; everything else stays what it is. Holds nothing open.
 *
 * Rejects with HubError, or the signal's reason.
 * @example
 * const { source, options } = await locateModel("openai/clip-vit-base-patch32");
 * const { descriptor, warnings } = await inspectCheckpoint(source, options);
 */
export async function locateModel(
  model: CheckpointSource,
  { hub, ...options }: OpenModelOptions = {},
): Promise<LocatedModel> {
  if (model === "shapes") return locateShapes(options);
  if (typeof model !== "string" || !(await isHubModel(model))) return { source: model, options };
  const { signal } = options;
  const { openHub } = await import("@textower/hub");
  const files = await openHub(model, { ...hub, ...(signal === undefined ? {} : { signal }) });
  // What is known of a name stands in for what its config does not say; it does not contradict one.
  const hasConfig = (await files.list(signal))?.some((path) => CONFIGS.includes(path)) ?? false;
  const known = hasConfig || files.activation === undefined ? {} : { activation: files.activation };
  return { source: files, options: { ...known, ...options } };
}

const CONFIGS: readonly string[] = ["config.json", "open_clip_config.json"];

async function locateShapes(options: OpenCheckpointOptions): Promise<LocatedModel> {
  const { shapesCheckpoint } = await import("@textower/model-shapes/checkpoint");
  const [model, address] = [absolute(shapesCheckpoint.model), absolute(shapesCheckpoint.config)];
  const { signal } = options;
  const asked = signal === undefined ? {} : { signal };
  // Bundlers give files other names, so that there is no config.json beside the model.
  if (model.protocol === "file:") {
    if (address.href === new URL("config.json", model).href) return { source: model, options };
    const config = options.config ?? (await readJson(address));
    return { source: model, options: config === undefined ? options : { ...options, config } };
  }
  const [config, answer] = await Promise.all([
    options.config ?? fetch(address, asked).then((found): Promise<unknown> => found.json()),
    // Plain servers of static files often know no ranges; of this model they may send the whole.
    fetch(model, { ...asked, headers: { Range: "bytes=0-0" } }),
  ]);
  const source = answer.status === 200 ? await answer.arrayBuffer() : model;
  return { source, options: { ...options, config } };
}

/** Turbopack's addresses of files lack the page's origin. */
function absolute(url: URL): URL {
  return url.protocol === "" ? new URL(url.href, globalThis.location.href) : url;
}

/** A JSON file of this package; undefined where there are no files. */
async function readJson(address: URL): Promise<unknown> {
  // Not imported: bundlers for browsers stop at modules of Node.
  const files = typeof process === "undefined" ? undefined : process.getBuiltinModule?.("node:fs/promises");
  return files === undefined ? undefined : JSON.parse(await files.readFile(address, "utf8"));
}

/** Whether a string is a name on the Hub, and neither a URL nor a path. */
async function isHubModel(model: string): Promise<boolean> {
  if (URL.canParse(model) || /\.(safetensors|bin|pth?)$/.test(model)) return false;
  const { isHubName } = await import("@textower/hub");
  if (!isHubName(model)) return false;
  // Not imported: bundlers for browsers stop at modules of Node.
  const files = typeof process === "undefined" ? undefined : process.getBuiltinModule?.("node:fs");
  return !(files?.existsSync(model) ?? false);
}

function isCheckpoint(model: ModelSource): model is Checkpoint {
  return typeof model === "object" && "descriptor" in model && "tokenEmbedding" in model;
}
