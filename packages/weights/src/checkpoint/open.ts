/**
 * Opens a CLIP checkpoint: file, names, config and shapes are put together and checked, so that what comes out can be
 * relied on. No weight is read by that but the temperature.
 */
import { toFloat32 } from "@textower/graph";
import type { RowRange, Tensor, WeightSource } from "@textower/graph";
import type { HttpSourceOptions } from "../sources/http.js";
import { readText } from "../sources/read-text.js";
import { readTensor } from "../tensor-file.js";
import type { TensorFile } from "../tensor-file.js";
import { parseConfig } from "./config.js";
import { describeTower } from "./descriptor.js";
import type {
  CheckpointDescriptor,
  DescriptorOptions,
  DescriptorOrigins,
  PartialDescriptor,
  TextConfig,
} from "./descriptor.js";
import { CheckpointError, MissingActivationError } from "./errors.js";
import { locate } from "./locate.js";
import type { CheckpointSource, Located } from "./locate.js";
import { openContainer } from "./containers.js";
import { mapTensors, recogniseNaming } from "./naming.js";
import type { TextTensors } from "./naming.js";
import { BLOCK_NAMES } from "./schemes.js";
import type { Naming } from "./schemes.js";
import { readMapped } from "./read-mapped.js";
import { DEFAULT_ROW_CACHE_BYTES, rowSource } from "./row-source.js";
import type { RowSource } from "./row-source.js";
import { canonicalShapes, TEXT_DTYPES, towerSizes } from "./shapes.js";

/** A larger config than this is none. */
const MAX_CONFIG_BYTES = 16 * 2 ** 20;
/** That of openai/clip-vit-large-patch14 has 2.2 MB. */
const MAX_TOKENIZER_BYTES = 64 * 2 ** 20;

/** Options of `openCheckpoint`. Those of the descriptor win over a config. */
export interface OpenCheckpointOptions extends DescriptorOptions, HttpSourceOptions {
  /**
   * Parsed JSON of a `config.json` (transformers) or an `open_clip_config.json` or model config (OpenCLIP).
   *
   * Or `"sibling"`: the one beside the file, in the same directory or at the same address, if there is one. For
   * Hugging Face names that is `config.json`, for the others `open_clip_config.json`; never the one of the other
   * library, which may be about other weights. It is the default for local files and for collections of files.
   *
   * Or `null`: none. It is the default for everything else, so that nothing is fetched that was not asked for.
   */
  readonly config?: unknown;
  /**
   * Which text tower of a Stable Diffusion checkpoint in one file, by what stands before its names:
   * `conditioner.embedders.0.transformer.` or `conditioner.embedders.1.model.` of XL. Needed only where there are two.
   */
  readonly container?: string;
  /** Upper bound of the cache of `tokenEmbedding`, in bytes. Default 16 MiB; 0 turns it off. */
  readonly rowCacheBytes?: number;
  /**
   * Says that the tower will be read whole, as `compile` does it: with the first read of a tensor, others are fetched
   * ahead from a remote source, neighbours together, up to 24 MiB. The token table is left out. Default false: what is
   * read is fetched.
   */
  readonly readAhead?: boolean;
}

/** What a checkpoint says of itself. Plain data. */
export interface CheckpointInspection {
  /** Path, address or name of the file, for messages. */
  readonly name: string;
  /** Format of the file: "safetensors", "pytorch", "torchscript" or "pytorch-legacy". */
  readonly format: string;
  readonly naming: Naming;
  /** `activation` is absent if nothing says which it is. */
  readonly descriptor: PartialDescriptor;
  /** Where each value of the descriptor came from: "tensors", "option", "default" or the config's name. */
  readonly origins: DescriptorOrigins;
  /**
   * What contradicts the descriptor and was passed over, in words for a user: a config whose projection_dim is not that
   * of the tensors, an option that is not what the config says.
   */
  readonly warnings: readonly string[];
  /** Bytes of the text tower by the type they are stored as: "F32", "F16", "BF16", "I8" (see `convertCheckpoint`). */
  readonly storedBytes: Readonly<Record<string, number>>;
  /** Bytes of the text tower in the file, token table included. */
  readonly textBytes: number;
  /** Bytes of the whole file. */
  readonly fileBytes: number;
  /** `logit_scale` as stored, a logarithm: similarity is exp(logitScale) · cosine. Absent if the file has none. */
  readonly logitScale?: number;
  /** What the file says of itself, such as `format: pt`. Never trusted. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Canonical name → shape, of each tensor that can be read. */
  readonly tensors: ReadonlyMap<string, readonly number[]>;
}

/**
 * An open CLIP text checkpoint: a source of weights under canonical names, which are OpenAI's but for the projection,
 * always `text_projection.weight` [embedDim, width] (and `text_projection.bias` where there is one). Holds a file
 * handle until `close()`.
 */
export interface Checkpoint extends WeightSource, CheckpointInspection {
  readonly descriptor: CheckpointDescriptor;
  /** Rows of `token_embedding.weight`, without loading it. */
  readonly tokenEmbedding: RowSource;
  /**
   * Reads a tensor, or rows of its axis 0, in the dtype it is stored in: float32, float16, bfloat16 or int8
   * with scales. Only the bytes
   * of these rows are read, query, key and value stored together or apart; but all of a projection that the file holds
   * transposed. The array belongs to the caller.
   * Rejects with CheckpointError `no-such-tensor`, TensorFileError `bad-rows`, ByteSourceError, or the signal's reason.
   */
  read(name: string, rows?: RowRange, signal?: AbortSignal): Promise<Tensor>;
  /**
   * Text of the `tokenizer.json` beside the weights, read when asked for; undefined if there is none, or if nothing is
   * looked for beside them (`config`).
   * Rejects with ByteSourceError, or what the collection rejects with.
   */
  tokenizerJson(signal?: AbortSignal): Promise<string | undefined>;
  /** Closes the file. Twice is harmless; reads afterwards reject with ByteSourceError `closed`. */
  close(): Promise<void>;
}

/**
 * Opens a checkpoint in any of the namings (`Naming`).
 *
 * @param source - a path (file, or directory in transformers' or OpenCLIP's layout) where there is a file system, an
 * http(s) or file URL, a Blob, bytes (not copied), or a ByteSource. `close()` closes it; if opening fails, a
 * ByteSource stays open and everything else is closed.
 *
 * Rejects with MissingActivationError if neither config nor option names the activation; CheckpointError for a file
 * that is no CLIP text tower; SafetensorsError, PytorchError; ByteSourceError or HttpError; or the signal's reason.
 * @example
 * const checkpoint = await openCheckpoint("ViT-B-32.safetensors", { activation: "quick_gelu" });
 * const positions = await checkpoint.read("positional_embedding"); // [77, 512]
 */
export async function openCheckpoint(
  source: CheckpointSource,
  options: OpenCheckpointOptions = {},
): Promise<Checkpoint> {
  const located = await locate(source, options);
  try {
    const { inspection, text } = await inspect(located, options);
    const { activation } = inspection.descriptor;
    if (activation === undefined) throw new MissingActivationError(inspection.name);
    const descriptor: CheckpointDescriptor = { ...inspection.descriptor, activation };
    return checkpointOf({ ...inspection, descriptor }, located, text, options);
  } catch (error) {
    await located.discard();
    throw error;
  }
}

/**
 * Says what is in a checkpoint, an unknown activation included, and closes it (a ByteSource stays open).
 * Takes what `openCheckpoint` takes and rejects as it does, but never with MissingActivationError.
 */
export async function inspectCheckpoint(
  source: CheckpointSource,
  options: OpenCheckpointOptions = {},
): Promise<CheckpointInspection> {
  const located = await locate(source, options);
  try {
    return (await inspect(located, options)).inspection;
  } finally {
    await located.discard();
  }
}

async function inspect(
  located: Located,
  options: OpenCheckpointOptions,
): Promise<{ inspection: CheckpointInspection; text: TextTensors }> {
  const { signal } = options;
  const { file } = located;
  const entries = openContainer(file.entries, options.container, file.name);
  const naming = recogniseNaming(entries, file.name);
  const config = await loadConfig(located, naming, options);
  const text = mapTensors(entries, naming, file.name);
  const sizes = towerSizes(text, file.name);
  const { descriptor, origins, warnings } = describeTower(sizes, config, options, file.name);
  const logitScale = await readLogitScale(file, text, signal);

  const storedBytes: Record<string, number> = {};
  let textBytes = 0;
  for (const { parts } of text.tensors.values()) {
    for (const { entry, scale } of parts) {
      for (const { dtype, bytes } of scale === undefined ? [entry] : [entry, scale.entry]) {
        storedBytes[dtype] = (storedBytes[dtype] ?? 0) + bytes;
        textBytes += bytes;
      }
    }
  }
  const inspection = {
    name: file.name,
    format: file.format,
    naming,
    descriptor,
    origins,
    warnings,
    storedBytes,
    textBytes,
    fileBytes: file.size,
    ...(logitScale !== undefined && { logitScale }),
    metadata: file.metadata,
    tensors: canonicalShapes(sizes),
  };
  return { inspection, text };
}

async function loadConfig(
  located: Located,
  naming: Naming,
  options: OpenCheckpointOptions,
): Promise<TextConfig | undefined> {
  const given = options.config === undefined ? (located.searched ? "sibling" : null) : options.config;
  if (given === null) return undefined;
  if (given !== "sibling") {
    const config = parseConfig(given, "the given config");
    if (config !== undefined) return config;
    throw new CheckpointError(
      "bad-config",
      "the given config: expected the parsed JSON of a config.json or open_clip_config.json, got something else",
    );
  }
  const { file, siblings } = located;
  if (siblings === undefined) {
    throw new CheckpointError(
      "bad-option",
      `${file.name}: config "sibling" needs a path or an address; pass the parsed JSON`,
    );
  }
  const label = naming.startsWith("huggingface") ? "config.json" : "open_clip_config.json";
  const json = await readText(siblings, label, MAX_CONFIG_BYTES, options.signal);
  if (json === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    const message = `${label} beside ${file.name}: expected JSON; pass config: null to leave it aside`;
    throw new CheckpointError("bad-config", message, { cause });
  }
  return parseConfig(value, label);
}

async function readLogitScale(
  file: TensorFile,
  { logitScale }: TextTensors,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  if (logitScale === undefined) return undefined;
  const { name, entry } = logitScale;
  const { shape, dtype } = entry;
  if (shape.length > 1 || (shape[0] ?? 1) !== 1) {
    throw new CheckpointError(
      "bad-shape",
      `${file.name}: ${name}: expected [] or [1], got [${shape.join(", ")}]`,
    );
  }
  if (!TEXT_DTYPES.includes(dtype)) {
    const expected = TEXT_DTYPES.join(", ");
    throw new CheckpointError(
      "unsupported-dtype",
      `${file.name}: ${name}: expected ${expected}, got ${dtype}`,
    );
  }
  return toFloat32(await readTensor(file, name, undefined, signal))[0]!;
}

function checkpointOf(
  inspection: CheckpointInspection & { readonly descriptor: CheckpointDescriptor },
  located: Located,
  text: TextTensors,
  options: OpenCheckpointOptions,
): Checkpoint {
  const { file } = located;
  const { vocabSize, width } = inspection.descriptor;
  let announced = options.readAhead !== true;
  const read = async (name: string, rows?: RowRange, signal?: AbortSignal): Promise<Tensor> => {
    const mapped = text.tensors.get(name);
    if (mapped === undefined) {
      throw new CheckpointError(
        "no-such-tensor",
        `${file.name}: expected a tensor of the text tower, got ${name}`,
      );
    }
    if (!announced && name !== TOKEN_TABLE) {
      announced = true;
      file.announce?.(inReadingOrder(text));
    }
    return readMapped(file, mapped, name, inspection.tensors.get(name)!, rows, signal);
  };
  return {
    ...inspection,
    read,
    tokenEmbedding: rowSource(
      vocabSize,
      width,
      (rows, signal) => read(TOKEN_TABLE, rows, signal),
      options.rowCacheBytes ?? DEFAULT_ROW_CACHE_BYTES,
    ),
    tokenizerJson: async (signal) => {
      const { siblings, searched } = located;
      const wanted = options.config === "sibling" || (options.config !== null && searched);
      return siblings === undefined || !wanted
        ? undefined
        : readText(siblings, "tokenizer.json", MAX_TOKENIZER_BYTES, signal);
    },
    close: () => file.close(),
  };
}

const TOKEN_TABLE = "token_embedding.weight";

/** Names in the file, in the order in which a graph of the tower asks for them. */
function inReadingOrder({ tensors, layers }: TextTensors): string[] {
  const canonical = [
    "positional_embedding",
    ...Array.from({ length: layers }, (_, layer) =>
      BLOCK_NAMES.map((name) => `transformer.resblocks.${layer}.${name}`),
    ).flat(),
    "ln_final.weight",
    "ln_final.bias",
    "text_projection.weight",
    "text_projection.bias",
  ];
  const parts = canonical.flatMap((name) => tensors.get(name)?.parts ?? []);
  return parts.flatMap(({ name, scale }) => (scale === undefined ? [name] : [name, scale.name]));
}
