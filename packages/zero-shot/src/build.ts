/**
 * `buildZeroShotHead`: class names and templates become one vector per class. For each class every template is filled,
 * encoded and normalised; the mean over the templates is normalised again (openai/CLIP's notebook
 * "Prompt Engineering for ImageNet"; open_clip, `build_zero_shot_classifier`).
 *
 * Prompts are encoded in the order in which beginnings branch: what stands before the class, then the class, then what follows. So
 * prompts with one beginning stand in one block, and the encoder computes it once. Only the sums per class are kept: memory does not grow with the templates.
 */
import { ZeroShotError } from "./errors.js";
import { lengthOf, ZeroShotHead } from "./head.js";
import { checkTemplate, fillTemplate, PHOTO_TEMPLATES } from "./templates.js";

/** What is needed of an encoder: `ClipTextEncoder` of `textower` has it, and so has its `TextModelEncoder`. */
export interface PromptEncoder {
  readonly info: { readonly checkpoint: string; readonly embedDim: number };
  /** Logarithm of the temperature, if the checkpoint's file has it. */
  readonly logitScale?: number | undefined;
  readonly tokenizer: { readonly contextLength: number };
  encode(
    prompts: readonly string[],
    options: { readonly normalize: true; readonly signal?: AbortSignal },
  ): Promise<{
    /** [prompts, embedDim] */
    readonly data: Float32Array;
    readonly rows: number;
    readonly prompts: readonly { readonly tokens: number }[];
  }>;
}

/** Options of `buildZeroShotHead`. */
export interface BuildOptions {
  /** One name or more, as they stand in a sentence: "great white shark". */
  readonly classes: readonly string[];
  /** Sentences with `{}` for the class. Default `PHOTO_TEMPLATES`. */
  readonly templates?: readonly string[];
  /** Logarithm of the temperature. Default: the checkpoint's; files with the text tower alone often have none. */
  readonly logitScale?: number;
  /**
   * What the head calls the checkpoint, to be compared with what image embeddings are said to come from. Default: the
   * last two parts of the encoder's checkpoint, as in "clip-vit-base-patch32/model.safetensors".
   */
  readonly checkpoint?: string;
  /** Stops between two runs; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after every block of prompts. */
  readonly onProgress?: (progress: {
    readonly done: number;
    readonly total: number;
    /** Rows computed so far. */
    readonly rows: number;
  }) => void;
}

/** Prompts encoded together. Vectors of ViT-B/32 for so many take 8 MB. */
const BLOCK = 4096;

/**
 * Builds a head. See the file's head for how, and `head.cost` for what it took. The longer an encoder's runs (`maxRows` of
 * `createTextEncoder`), the more beginnings are shared.
 *
 * Rejects with TypeError for no class or a template without `{}`; ZeroShotError `logit-scale` or `bad-vector`; what
 * `encode` rejects with, such as TextTooLongError; or the signal's reason.
 * @example
 * const head = await buildZeroShotHead(encoder, { classes: ["cat", "dog"], templates: PHOTO_TEMPLATES });
 */
export async function buildZeroShotHead(
  encoder: PromptEncoder,
  options: BuildOptions,
): Promise<ZeroShotHead> {
  const { classes, templates = PHOTO_TEMPLATES, signal, onProgress } = options;
  const { embedDim } = encoder.info;
  if (classes.length === 0 || templates.length === 0) {
    throw new TypeError(
      `buildZeroShotHead: expected classes and templates, got ${classes.length} and ${templates.length}`,
    );
  }
  classes.forEach(checkClass);
  templates.forEach(checkTemplate);
  const logitScale = options.logitScale ?? encoder.logitScale;
  if (logitScale === undefined || !Number.isFinite(logitScale)) {
    throw new ZeroShotError(
      "logit-scale",
      `buildZeroShotHead: expected a checkpoint with logit_scale, or the option logitScale, got ${logitScale}`,
    );
  }
  signal?.throwIfAborted();

  const begin = performance.now();
  const total = classes.length * templates.length;
  const sums = new Float64Array(classes.length * embedDim); // [classes, embedDim]
  let [done, rows, tokens] = [0, 0, 0];
  for (const block of blocksOf(classes, templates)) {
    const texts = block.map(({ template, index }) => fillTemplate(template, classes[index]!));
    const encoded = await encoder.encode(texts, {
      normalize: true,
      ...(signal === undefined ? {} : { signal }),
    });
    block.forEach(({ index }, prompt) => {
      for (let i = 0; i < embedDim; i++) sums[index * embedDim + i]! += encoded.data[prompt * embedDim + i]!;
      tokens += encoded.prompts[prompt]!.tokens;
    });
    rows += encoded.rows;
    done += block.length;
    onProgress?.({ done, total, rows });
  }
  const weights = normalizedSums(sums, classes, embedDim);
  const seconds = (performance.now() - begin) / 1000;
  const paddedRows = total * encoder.tokenizer.contextLength;
  return new ZeroShotHead({
    checkpoint: options.checkpoint ?? shortName(encoder.info.checkpoint),
    classes: [...classes],
    templates: [...templates],
    logitScale,
    embedDim,
    weights,
    cost: { prompts: total, tokens, rows, paddedRows, seconds },
  });
}

/** A template with the index of a class. */
interface Filling {
  readonly template: string;
  readonly index: number;
}

/** Every template with every class: by the text before the class, then by class, then by what follows. */
function* blocksOf(classes: readonly string[], templates: readonly string[]): Generator<readonly Filling[]> {
  const order = Array.from(classes.keys()).sort((a, b) =>
    classes[a]! < classes[b]! ? -1 : Number(classes[a]! > classes[b]!),
  );
  const byBeginning = new Map<string, string[]>();
  for (const template of [...templates].sort()) {
    const beginning = template.slice(0, template.indexOf("{}"));
    byBeginning.set(beginning, [...(byBeginning.get(beginning) ?? []), template]);
  }
  let block: Filling[] = [];
  for (const some of byBeginning.values()) {
    for (const index of order) {
      for (const template of some) {
        if (block.push({ template, index }) < BLOCK) continue;
        yield block;
        block = [];
      }
    }
  }
  if (block.length > 0) yield block;
}

/** @returns float32 rows of length 1, new. [classes, embedDim] */
function normalizedSums(sums: Float64Array, classes: readonly string[], embedDim: number): Float32Array {
  const weights = new Float32Array(sums.length);
  classes.forEach((name, index) => {
    const sum = sums.subarray(index * embedDim, (index + 1) * embedDim);
    const length = lengthOf(sum);
    if (!(length > 0 && length < Infinity)) {
      throw new ZeroShotError(
        "bad-vector",
        `buildZeroShotHead: expected prompts of ${JSON.stringify(name)} with a mean, got one of length ${length}`,
      );
    }
    for (let i = 0; i < embedDim; i++) weights[index * embedDim + i] = sum[i]! / length;
  });
  return weights;
}

function checkClass(name: string, index: number): void {
  if (typeof name !== "string" || name.trim() === "") {
    throw new TypeError(
      `buildZeroShotHead: expected a name for class ${index}, got ${JSON.stringify(name) ?? typeof name}`,
    );
  }
}

/** The last two parts of a path or address: what does not change from machine to machine, and tells nothing of it. */
function shortName(checkpoint: string): string {
  return checkpoint.split(/[?#]/, 1)[0]!.split(/[/\\]/).filter(Boolean).slice(-2).join("/");
}
