/**
 * Golden vectors: what the original implementation (openai/CLIP d05afc436d78, PyTorch 1.13.1, float32) computes with
 * the synthetic weights. The files lie in `golden/`; they are expected values and are never written by this project.
 */
import type { TextEncoderDescriptor } from "@textower/model";
import type { SyntheticSpec } from "./synthetic.js";

/** Names of the golden configurations, smallest first. */
export const GOLDEN_NAMES = [
  "micro",
  "tiny",
  "tiny-gelu",
  "vit-b-32",
  "rn50",
  "vit-l-14",
  "openclip-h-14",
] as const;

/** See `GOLDEN_NAMES`. */
export type GoldenName = (typeof GOLDEN_NAMES)[number];

/** Prompts and what the original implementation makes of them. */
export interface Golden {
  readonly name: GoldenName;
  readonly descriptor: TextEncoderDescriptor;
  readonly spec: SyntheticSpec;
  /** null for micro, whose vocabulary is cut: use `tokens`. */
  readonly prompts: readonly string[] | null;
  /** One row per prompt, cut after the end of text that is pooled (the first occurrence of the highest id). */
  readonly tokens: readonly (readonly number[])[];
  /** Not normalised. [prompts][embedDim] */
  readonly embeddings: readonly (readonly number[])[];
  /** What the weight files with rounded values give; by field name of the golden file. [prompts][embedDim] */
  readonly fromFiles: Readonly<Record<string, readonly (readonly number[])[]>>;
  /** Hidden states of a few prompts, padding rows included, by output name of `buildTextEncoder`. */
  readonly hidden?: {
    /** Indices into `prompts`. */
    readonly prompts: readonly number[];
    /** [prompts][contextLength][width] */
    readonly states: Readonly<Record<string, readonly (readonly (readonly number[])[])[]>>;
  };
}

interface GoldenFile {
  readonly config: Record<
    "width" | "layers" | "heads" | "embedDim" | "vocabSize" | "contextLength",
    number
  > & {
    readonly activation: "quick_gelu" | "gelu";
  };
  readonly prompts: string[] | null;
  readonly tokens: number[][];
  readonly embeddings: number[][];
  readonly hiddenPrompts?: number[];
  readonly hiddenPenultimate?: number[][][];
  readonly hiddenPreLnFinal?: number[][][];
  readonly hiddenLast?: number[][][];
  readonly embeddingsFromFiles?: number[][];
  readonly embeddingsFromF16File?: number[][];
  readonly embeddingsFromBf16File?: number[][];
}

/** Reads one golden configuration: from the package's files in Node, Deno and Bun, by `fetch` in browsers. */
export async function loadGolden(name: GoldenName): Promise<Golden> {
  const file = (await loadJson(name)) as GoldenFile;
  const specs = (await loadJson("weights-spec")) as { configs: Record<string, { tensors: SyntheticSpec }> };
  const { config } = file;
  const states = {
    [`hidden.${config.layers - 1}`]: file.hiddenPenultimate,
    [`hidden.${config.layers}`]: file.hiddenPreLnFinal,
    last: file.hiddenLast,
  };
  return {
    name,
    descriptor: { ...config, mlpWidth: 4 * config.width, attention: "causal", layerNormEpsilon: 1e-5 },
    spec: specs.configs[name]!.tensors,
    prompts: file.prompts,
    tokens: file.tokens.map((row) => row.slice(0, row.indexOf(Math.max(...row)) + 1)),
    embeddings: file.embeddings,
    fromFiles: definedOnly({
      embeddingsFromFiles: file.embeddingsFromFiles,
      embeddingsFromF16File: file.embeddingsFromF16File,
      embeddingsFromBf16File: file.embeddingsFromBf16File,
    }),
    ...(file.hiddenPrompts === undefined
      ? {}
      : { hidden: { prompts: file.hiddenPrompts, states: definedOnly(states) } }),
  };
}

async function loadJson(name: string): Promise<unknown> {
  const url = new URL(`../golden/${name}.json`, import.meta.url);
  if (url.protocol !== "file:") return (await fetch(url)).json();
  const { readFile } = await import("node:fs/promises");
  return JSON.parse(await readFile(url, "utf8"));
}

function definedOnly<T>(fields: Record<string, T | undefined>): Record<string, T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Record<
    string,
    T
  >;
}
