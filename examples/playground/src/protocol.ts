/** What the page and its worker say to each other. */
import type { Precision } from "@textower/graph";
import type { TokenView } from "@textower/prompts";
import type { Activation } from "@textower/weights";

/** Backends that can be picked. */
export type BackendName = "wasm" | "webgpu" | "tfjs" | "onnx";

/** What a backend lets users choose. */
export interface BackendChoices {
  readonly precisions: readonly Precision[];
  /** Whether it can be told how many threads to take. */
  readonly threads: boolean;
}

/** By backend, as their READMEs have it. */
export const CHOICES: Readonly<Record<BackendName, BackendChoices>> = {
  wasm: { precisions: ["float32", "float16", "int8"], threads: true },
  webgpu: { precisions: ["float32", "float16", "int8"], threads: false },
  tfjs: { precisions: ["float32"], threads: false },
  onnx: { precisions: ["float32", "float16"], threads: true },
};

/** What to load, and on what. */
export interface ModelChoice {
  /** `shapes`, an address, or a name on the Hub; of no matter if there are files. */
  readonly model: string;
  readonly files: readonly File[];
  readonly activation: Activation | undefined;
  readonly backend: BackendName;
  readonly precision: Precision;
  /** undefined: as many as there are processors. */
  readonly threads: number | undefined;
  /** Address of the hub that names stand for; undefined: the Hugging Face Hub. */
  readonly hub: string | undefined;
  /** Whether to try no network: what is kept has to do. */
  readonly offline: boolean;
}

/** What runs now. */
export interface ModelInfo {
  readonly name: string;
  readonly backend: string;
  readonly device: string;
  readonly precision: string;
  readonly threads: number;
  readonly notes: readonly string[];
  readonly embedDim: number;
  /** Tokens that a prompt may have; what the original pads each to. */
  readonly contextLength: number;
  /** exp(logit scale): what cosines are multiplied with before a softmax. */
  readonly temperature: number;
}

/** Vectors of prompts, in their order. */
export interface Encoding {
  /** [prompts, embedDim], rows of length 1. */
  readonly vectors: Float32Array;
  /** Rows that went through the tower. */
  readonly rows: number;
  readonly milliseconds: number;
}

/** The trie of some prompts: rows in the order in which they are computed. */
export interface Trie {
  readonly pieces: readonly string[];
  /** Row before, or -1. */
  readonly parents: readonly number[];
  /** Rows whose vectors become embeddings. */
  readonly pooled: readonly number[];
  /** Tokens of all prompts together. */
  readonly tokens: number;
}

/** Progress of loading: what, and how much of all of it, 0 to 1, once that is known. */
export type OnProgress = (doing: string, done: number | undefined) => void;

/** The name of what `load` rejects with after `stop`. */
export const STOPPED = "AbortError";

/** The worker's side. */
export interface Engine {
  /** Loads a model; the one before goes on working until then, and also if this fails. */
  load(choice: ModelChoice, onProgress: OnProgress): Promise<ModelInfo>;
  /** Makes the `load` that is under way reject. What has come from the Hub is kept. */
  stop(): void;
  encode(prompts: readonly string[]): Promise<Encoding>;
  tokens(text: string): Promise<TokenView>;
  trie(prompts: readonly string[]): Promise<Trie>;
}
