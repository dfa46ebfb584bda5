/**
 * The tower shapes that published checkpoints come in: OpenAI's nine releases, and the OpenCLIP configurations with
 * the same 49,408-token vocabulary (openai/CLIP `clip.py`; open_clip `src/open_clip/model_configs/*.json`).
 *
 * A shape says nothing of the activation: it differs between weights of one shape, so it is asked for.
 */
import type { Activation, TextEncoderDescriptor } from "./descriptor.js";

/** A tower shape by the architecture name its publishers use. */
interface TowerShape {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly embedDim: number;
  /** 77 where absent. */
  readonly contextLength?: number;
  /** "causal" where absent. */
  readonly attention?: "full";
}

const B: TowerShape = { width: 512, layers: 12, heads: 8, embedDim: 512 };
const L: TowerShape = { width: 768, layers: 12, heads: 12, embedDim: 768 };
const H: TowerShape = { width: 1024, layers: 24, heads: 16, embedDim: 1024 };
const BIG_G: TowerShape = { width: 1280, layers: 32, heads: 20, embedDim: 1280 };
const B_PLUS: TowerShape = { width: 640, layers: 12, heads: 10, embedDim: 640 };
const S: TowerShape = { width: 384, layers: 12, heads: 6, embedDim: 384 };

const SHAPES = {
  RN50: { ...B, embedDim: 1024 },
  RN101: B,
  RN50x4: B_PLUS,
  RN50x16: L,
  RN50x64: { width: 1024, layers: 12, heads: 16, embedDim: 1024 },
  "ViT-S-32-alt": { width: 256, layers: 10, heads: 4, embedDim: 256 },
  "ViT-S-32": S,
  "ViT-S-16": S,
  "ViT-M-32-alt": S,
  "ViT-M-16-alt": S,
  "ViT-B-32": B,
  "ViT-B-16": B,
  "ViT-B-32-plus-256": B_PLUS,
  "ViT-B-16-plus-240": B_PLUS,
  "ViT-L-14": L,
  "ViT-L-14-336": L,
  "ViT-H-14": H,
  "ViT-g-14": H,
  "ViT-bigG-14": BIG_G,
  "ViT-e-14": { ...BIG_G, layers: 36 },
  convnext_base: B,
  convnext_tiny: { ...B, embedDim: 1024 },
  convnext_base_w: B_PLUS,
  convnext_large: L,
  convnext_large_d: { ...L, layers: 16 },
  convnext_xlarge: { ...H, layers: 20 },
  convnext_xxlarge: H,
  "EVA02-B-16": B,
  "EVA02-L-14": L,
  "EVA01-g-14": { ...L, embedDim: 1024 },
  "EVA01-g-14-plus": H,
  "EVA02-E-14": H,
  "EVA02-E-14-plus": { ...BIG_G, embedDim: 1024 },
  "MobileCLIP-B": B,
  "MobileCLIP-S1": { ...B, attention: "full" },
  "MobileCLIP-S2": { ...B, attention: "full" },
  "MobileCLIP2-S0": { ...B, attention: "full" },
  "MobileCLIP2-S2": { ...B, attention: "full" },
  "MobileCLIP2-S3": { ...L, attention: "full" },
  "MobileCLIP2-S4": { ...L, attention: "full" },
  "MobileCLIP2-L-14": { ...L, attention: "full" },
  "PE-Core-T-16-384": { ...B, contextLength: 32 },
  "PE-Core-S-16-384": { ...B, contextLength: 32 },
  "PE-Core-B-16": { ...H, contextLength: 32 },
  "PE-Core-L-14-336": { ...H, contextLength: 32 },
  "PE-Core-bigG-14-448": { ...BIG_G, layers: 24, contextLength: 72 },
  "ViTamin-S": S,
  "ViTamin-B": B,
  "ViTamin-L": L,
  "ViTamin-L2": H,
  "ViTamin-XL": { width: 1152, layers: 27, heads: 16, embedDim: 1152 },
} satisfies Record<string, TowerShape>;

/** Name of a tower shape, as OpenAI and OpenCLIP write it (`ViT-B-32`, `RN50`, `convnext_large_d`, …). */
export type Architecture = keyof typeof SHAPES;

/** All names that `architecture` knows. */
export function listArchitectures(): Architecture[] {
  return Object.keys(SHAPES) as Architecture[];
}

/**
 * The descriptor of a published tower shape.
 * @param activation - `quick_gelu` for OpenAI's own weights and the few trained the same way, `gelu` for most others
 * @throws RangeError for a name that is not in the list
 */
export function architecture(name: Architecture, activation: Activation): TextEncoderDescriptor {
  if (!Object.hasOwn(SHAPES, name)) {
    throw new RangeError(`architecture: expected one of ${listArchitectures().join(", ")}, got ${name}`);
  }
  const shape: TowerShape = SHAPES[name];
  return {
    width: shape.width,
    layers: shape.layers,
    heads: shape.heads,
    mlpWidth: 4 * shape.width,
    embedDim: shape.embedDim,
    contextLength: shape.contextLength ?? 77,
    vocabSize: 49408,
    activation,
    attention: shape.attention ?? "causal",
    layerNormEpsilon: 1e-5,
  };
}
