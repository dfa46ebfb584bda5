/**
 * What has to be known to build a text tower: sizes, and the few choices in which published checkpoints differ.
 * Plain data. Where it comes from (config files, tensor shapes) is the business of whoever opens the checkpoint.
 */

/**
 * Activation of the MLP, by the names that config files use. It cannot be seen from a checkpoint's tensors.
 * `quick_gelu`: x·σ(1.702x). `gelu`: exact, erf form. `gelu_tanh`: tanh approximation.
 */
export type Activation = "quick_gelu" | "gelu" | "gelu_tanh";

/** Sizes and choices of a CLIP text tower. */
export interface TextEncoderDescriptor {
  /** Width of a row. */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the MLP between its two linears; 4 · width in nearly all checkpoints. */
  readonly mlpWidth: number;
  /** Size of the embedding; null for a tower without projection (Stable Diffusion 1.x and 2.x). */
  readonly embedDim: number | null;
  /** Most tokens a prompt may have, start and end of text included; 77 in most checkpoints. */
  readonly contextLength: number;
  readonly vocabSize: number;
  readonly activation: Activation;
  /**
   * `causal`: a row sees itself and what is before it, so prompts need no padding and can share prefixes.
   * `full`: every row sees the whole padded context (MobileCLIP S0 to S4).
   */
  readonly attention: "causal" | "full";
  /** Inside the square root; 1e-5 in every tower of this kind. */
  readonly layerNormEpsilon: number;
  /** Whether the projection has a bias (a few CustomText checkpoints). Default false. */
  readonly projectionBias?: boolean;
}
