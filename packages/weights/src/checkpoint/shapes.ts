/**
 * Sizes of a text tower, read off its tensors, and the check that every tensor has the shape and element type that
 * these sizes ask for. All from the header: nothing is read.
 */
import { CheckpointError } from "./errors.js";
import type { MappedTensor, NamedEntry, TextTensors } from "./naming.js";
import { BLOCK_NAMES } from "./schemes.js";

/** Element types that a text tower may be stored in. */
export const TEXT_DTYPES = ["F32", "F16", "BF16"];

/** Sizes that follow from shapes alone. */
export interface TowerSizes {
  readonly width: number;
  readonly layers: number;
  readonly mlpWidth: number;
  readonly embedDim: number | null;
  readonly contextLength: number;
  readonly vocabSize: number;
  readonly projectionBias: boolean;
}

/**
 * Reads the sizes off the shapes, and holds every tensor against them.
 * @throws CheckpointError `bad-shape`, `unsupported-dtype`
 */
export function towerSizes({ tensors, layers }: TextTensors, file: string): TowerSizes {
  const [width] = dimensions(tensors, "ln_final.weight", 1, file);
  const [vocabSize] = dimensions(tensors, "token_embedding.weight", 2, file);
  const [contextLength] = dimensions(tensors, "positional_embedding", 2, file);
  const [mlpWidth] = dimensions(tensors, "transformer.resblocks.0.mlp.c_fc.weight", 2, file);
  const embedDim = tensors.has("text_projection.weight")
    ? dimensions(tensors, "text_projection.weight", 2, file)[0]!
    : null;
  const projectionBias = tensors.has("text_projection.bias");
  const sizes = {
    width: width!,
    layers,
    mlpWidth: mlpWidth!,
    embedDim,
    contextLength: contextLength!,
    vocabSize: vocabSize!,
    projectionBias,
  };
  for (const [name, shape] of canonicalShapes(sizes)) checkTensor(name, tensors.get(name)!, shape, file);
  return sizes;
}

/** Canonical name → shape of every tensor of a tower. Linear weights are [out, in]. */
export function canonicalShapes(sizes: TowerSizes): Map<string, readonly number[]> {
  const { width: W, layers, mlpWidth: M, embedDim: E } = sizes;
  const shapes = new Map<string, readonly number[]>([
    ["token_embedding.weight", [sizes.vocabSize, W]],
    ["positional_embedding", [sizes.contextLength, W]],
    ["ln_final.weight", [W]],
    ["ln_final.bias", [W]],
  ]);
  if (E !== null) shapes.set("text_projection.weight", [E, W]);
  if (E !== null && sizes.projectionBias) shapes.set("text_projection.bias", [E]);
  const block: Readonly<Record<(typeof BLOCK_NAMES)[number], readonly number[]>> = {
    "ln_1.weight": [W],
    "ln_1.bias": [W],
    "attn.in_proj_weight": [3 * W, W],
    "attn.in_proj_bias": [3 * W],
    "attn.out_proj.weight": [W, W],
    "attn.out_proj.bias": [W],
    "ln_2.weight": [W],
    "ln_2.bias": [W],
    "mlp.c_fc.weight": [M, W],
    "mlp.c_fc.bias": [M],
    "mlp.c_proj.weight": [W, M],
    "mlp.c_proj.bias": [W],
  };
  for (let layer = 0; layer < layers; layer++) {
    for (const name of BLOCK_NAMES) shapes.set(`transformer.resblocks.${layer}.${name}`, block[name]);
  }
  return shapes;
}

/** Canonical dimensions of a tensor of one part, all at least 1. */
function dimensions(
  tensors: ReadonlyMap<string, MappedTensor>,
  name: string,
  rank: number,
  file: string,
): readonly number[] {
  const { parts, transposed, wrapped } = tensors.get(name)!;
  const shape = wrapped ? unwrap(parts[0]!.entry.shape, rank) : parts[0]!.entry.shape;
  if (shape.length !== rank || shape.includes(0)) {
    throw new CheckpointError(
      "bad-shape",
      `${file}: ${parts[0]!.name}: expected ${rank} dimensions of at least 1, got [${shape.join(", ")}]`,
    );
  }
  return transposed ? shape.toReversed() : shape;
}

function checkTensor(name: string, tensor: MappedTensor, shape: readonly number[], file: string): void {
  const { parts, transposed, wrapped } = tensor;
  const partShape = [shape[0]! / parts.length, ...shape.slice(1)];
  const expected = transposed ? partShape.toReversed() : partShape;
  for (const { name: stored, entry, scale } of parts) {
    if (scale !== undefined) checkScale(stored, scale, expected, file);
    const matrix = scale !== undefined && shape.length === 2 && !transposed && !wrapped;
    if (!TEXT_DTYPES.includes(entry.dtype) && !matrix) {
      throw new CheckpointError(
        "unsupported-dtype",
        `${file}: ${stored}: expected ${TEXT_DTYPES.join(", ")}, got ${entry.dtype}`,
      );
    }
    if (!sameShape(wrapped ? unwrap(entry.shape, expected.length) : entry.shape, expected)) {
      const got = `[${entry.shape.join(", ")}]`;
      throw new CheckpointError(
        "bad-shape",
        `${file}: ${stored}: expected [${expected.join(", ")}] for ${name}, got ${got}`,
      );
    }
    if (entry.dtype !== parts[0]!.entry.dtype) {
      throw new CheckpointError(
        "unsupported-dtype",
        `${file}: ${stored}: expected ${parts[0]!.entry.dtype}, as ${parts[0]!.name} has, got ${entry.dtype}`,
      );
    }
  }
}

/** An int8 matrix has a float32 for each of its rows. */
function checkScale(
  stored: string,
  { name, entry }: NamedEntry,
  shape: readonly number[],
  file: string,
): void {
  if (entry.dtype === "F32" && sameShape(entry.shape, shape.slice(0, 1))) return;
  throw new CheckpointError(
    "bad-shape",
    `${file}: ${name}: expected F32 [${shape[0]}], the scales of ${stored}, got ${entry.dtype} [${entry.shape.join(", ")}]`,
  );
}

/** Without dimensions of 1 before the last `rank`. */
function unwrap(shape: readonly number[], rank: number): readonly number[] {
  const extra = Math.max(0, shape.length - rank);
  return shape.slice(0, extra).every((dimension) => dimension === 1) ? shape.slice(extra) : shape;
}

function sameShape(shape: readonly number[], expected: readonly number[]): boolean {
  return shape.length === expected.length && shape.every((dimension, axis) => dimension === expected[axis]);
}
