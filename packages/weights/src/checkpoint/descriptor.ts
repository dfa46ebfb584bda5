/**
 * What has to be known of a text tower to run it, put together from tensor shapes, a config and the caller's options.
 * Nothing is guessed: what no source says is absent, and sources that contradict each other are an error.
 */
import { CheckpointError } from "./errors.js";
import type { TowerSizes } from "./shapes.js";

/**
 * Activation of the MLP. `quick_gelu`: x·σ(1.702x). `gelu`: exact, erf form. `gelu_tanh`: tanh approximation.
 */
export type Activation = "quick_gelu" | "gelu" | "gelu_tanh";

/**
 * Which row of a prompt becomes its embedding.
 *
 * - `argmax`: the first row with the highest id, which is `endOfText` in every well-formed prompt (OpenAI, OpenCLIP)
 * - `first`: the first row with `endOfText` (transformers; towers with ids added above it)
 */
export interface Pooling {
  readonly rule: "argmax" | "first";
  /** Token id that ends a text; 49407 in CLIP's vocabulary. */
  readonly endOfText: number;
}

/** Sizes and choices of a text tower, as far as its checkpoint says. */
export interface CheckpointDescriptor {
  /** Width of a row: length of `ln_final.weight`. */
  readonly width: number;
  readonly layers: number;
  /** From the options, else the config, else width / 64, the size of a head in OpenAI's and nearly all towers. */
  readonly heads: number;
  /** Width of the MLP between its two linears. */
  readonly mlpWidth: number;
  /** Size of the embedding; null for a file without projection (Stable Diffusion 1.x and 2.x). */
  readonly embedDim: number | null;
  /** Most tokens of a prompt, start and end of text included. */
  readonly contextLength: number;
  readonly vocabSize: number;
  readonly activation: Activation;
  /** `causal` unless a config or an option says otherwise. */
  readonly attention: "causal" | "full";
  /** Inside the square root. From the options, else the config, else 1e-5 (`torch.nn.LayerNorm`'s default). */
  readonly layerNormEpsilon: number;
  /** Whether `text_projection.bias` exists. */
  readonly projectionBias: boolean;
  /** Id that fills up a prompt where a tower wants padding. From the options, else the config, else 0 (`clip.tokenize`). */
  readonly padId: number;
  readonly pooling: Pooling;
}

/** A descriptor whose activation may be unknown. */
export type PartialDescriptor = Omit<CheckpointDescriptor, "activation"> & {
  readonly activation?: Activation;
};

/** Where each value of a descriptor came from: "tensors", "option", "default", or the name of a config. */
export type DescriptorOrigins = { readonly [K in keyof CheckpointDescriptor]?: string };

/** What a caller can say about a checkpoint. It wins over a config; shapes are not up to anybody. */
export interface DescriptorOptions {
  readonly activation?: Activation;
  readonly heads?: number;
  readonly attention?: "causal" | "full";
  readonly layerNormEpsilon?: number;
  readonly padId?: number;
  readonly pooling?: Pooling;
}

/** Size of a head in OpenAI's towers: `transformer_heads = transformer_width // 64` (openai/CLIP `model.py`). */
const HEAD_SIZE = 64;
/** Size of CLIP's vocabulary; ids from here on were added by somebody (textual inversion). */
export const CLIP_VOCABULARY = 49408;

/** A size that a config names, and that published configs get wrong: the tensors' is taken, and a warning given. */
interface DoubtfulSize {
  readonly key: string;
  readonly size: keyof TowerSizes;
  /** Each value that it names; one that is right is enough. */
  readonly values: readonly number[];
}

/** What a config says; what it does not is absent. */
export interface TextConfig extends DescriptorOptions {
  /** For messages and origins: "config.json", … */
  readonly label: string;
  /** Sizes that the tensors have to agree with. */
  readonly sizes: readonly {
    /** As the config calls it. */
    readonly key: string;
    readonly size: keyof TowerSizes;
    readonly value: number;
    readonly isDefault: boolean;
  }[];
  /** Sizes that the tensors decide. */
  readonly doubtful: readonly DoubtfulSize[];
}

/**
 * Puts the descriptor together. `warnings`: what contradicts it, and was passed over.
 * @throws CheckpointError `config-mismatch`, `bad-option`
 */
export function describeTower(
  sizes: TowerSizes,
  config: TextConfig | undefined,
  options: DescriptorOptions,
  file: string,
): { descriptor: PartialDescriptor; origins: DescriptorOrigins; warnings: string[] } {
  if (config !== undefined) checkConfig(config, sizes, file);
  const warnings = config === undefined ? [] : doubts(config, sizes, file);
  const origins: Record<string, string> = {};
  for (const key of Object.keys(sizes)) origins[key] = "tensors";
  /** The first source that says something. */
  const choose = <T>(key: string, option: T | undefined, configured: T | undefined, fallback: T): T => {
    origins[key] = option !== undefined ? "option" : configured !== undefined ? config!.label : "default";
    if (option !== undefined && configured !== undefined && shown(option) !== shown(configured)) {
      warnings.push(
        `${file}: ${config!.label} says ${key} ${shown(configured)}, the option ${shown(option)}`,
      );
    }
    return option ?? configured ?? fallback;
  };

  const heads = choose("heads", options.heads, config?.heads, sizes.width / HEAD_SIZE);
  if (!Number.isInteger(heads) || heads < 1 || sizes.width % heads !== 0) {
    const from =
      origins["heads"] === "default" ? `width / ${HEAD_SIZE}; pass the option heads` : origins["heads"];
    const code = origins["heads"] === config?.label ? "config-mismatch" : "bad-option";
    throw new CheckpointError(
      code,
      `${file}: expected heads to divide the width ${sizes.width}, got ${heads} (${from})`,
    );
  }
  const layerNormEpsilon = choose(
    "layerNormEpsilon",
    options.layerNormEpsilon,
    config?.layerNormEpsilon,
    1e-5,
  );
  if (!(layerNormEpsilon > 0 && layerNormEpsilon < 1)) {
    throw optionError(file, "layerNormEpsilon between 0 and 1", layerNormEpsilon);
  }
  const attention = choose("attention", options.attention, config?.attention, "causal" as const);
  if (attention !== "causal" && attention !== "full") {
    throw optionError(file, 'attention "causal" or "full"', attention);
  }
  const padId = choose("padId", options.padId, config?.padId, 0);
  if (!isToken(padId, options.padId === undefined ? Infinity : sizes.vocabSize)) {
    throw optionError(file, `padId below ${sizes.vocabSize}`, padId);
  }
  const pooling = choose("pooling", options.pooling, config?.pooling, defaultPooling(sizes.vocabSize));
  if (!["argmax", "first"].includes(pooling.rule) || !isToken(pooling.endOfText, sizes.vocabSize)) {
    const got = `${pooling.rule} with ${pooling.endOfText} (${origins["pooling"]})`;
    const expected = `pooling "argmax" or "first" with an id below the vocabulary's ${sizes.vocabSize}`;
    if (origins["pooling"] === "option") throw optionError(file, expected, got);
    throw new CheckpointError("config-mismatch", `${file}: expected ${expected}, got ${got}`);
  }
  const activation = choose<Activation | undefined>(
    "activation",
    options.activation,
    config?.activation,
    undefined,
  );
  if (activation === undefined) delete origins["activation"];
  else if (!["quick_gelu", "gelu", "gelu_tanh"].includes(activation)) {
    throw optionError(file, 'activation "quick_gelu", "gelu" or "gelu_tanh"', activation);
  }
  const descriptor = { ...sizes, heads, attention, layerNormEpsilon, padId, pooling: { ...pooling } };
  return {
    descriptor: activation === undefined ? descriptor : { ...descriptor, activation },
    origins,
    warnings,
  };
}

/** In CLIP's vocabulary the end of text is the last id, so argmax finds it, unless ids were added after it. */
function defaultPooling(vocabSize: number): Pooling {
  return vocabSize <= CLIP_VOCABULARY
    ? { rule: "argmax", endOfText: vocabSize - 1 }
    : { rule: "first", endOfText: CLIP_VOCABULARY - 1 };
}

function checkConfig(config: TextConfig, sizes: TowerSizes, file: string): void {
  for (const { key, value, size, isDefault } of config.sizes) {
    if (sizes[size] === value) continue;
    const got = sizes[size] === null ? "no projection" : `${size} ${sizes[size]}`;
    throw new CheckpointError(
      "config-mismatch",
      `${file}: expected ${key} ${value}${isDefault ? ", its default," : ""} of ${config.label}, got ${got} from the tensors`,
    );
  }
}

function doubts({ doubtful, label }: TextConfig, sizes: TowerSizes, file: string): string[] {
  return doubtful
    .filter(({ size, values }) => sizes[size] !== null && !values.some((value) => value === sizes[size]))
    .map(({ key, size, values }) => {
      const tensors = `the tensors have ${size} ${sizes[size]}, which counts`;
      return `${file}: ${label} says ${key} ${values.join(" and ")}; ${tensors}`;
    });
}

/** A value as messages have it. */
function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isToken(id: number, vocabSize: number): boolean {
  return Number.isSafeInteger(id) && id >= 0 && id < vocabSize;
}

function optionError(file: string, expected: string, got: unknown): CheckpointError {
  return new CheckpointError("bad-option", `${file}: expected ${expected}, got ${String(got)}`);
}
