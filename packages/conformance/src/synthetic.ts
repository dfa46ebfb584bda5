/**
 * Synthetic weights: every element of every text tensor follows from the tensor's name by a hash, so full-size
 * checkpoints need not be stored. The golden vectors were made by the original implementation with these weights.
 *
 * The rule (FNV-1a of the name, then the finaliser of MurmurHash3 over a Weyl sequence) is part of the golden data:
 * change it and every expected value is void.
 */
import { tensor } from "@textower/graph";
import type { RowRange, Tensor, WeightSource } from "@textower/graph";

/** How a tensor's elements are spread: uniform over mean ± halfRange. */
export interface SyntheticTensor {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly halfRange: number;
}

/** FNV-1a, 32 bit, over the UTF-8 bytes of a name. */
function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * Elements `begin` ≤ i < `end`, row-major, of the tensor of a name.
 * @returns a new float32 array the caller owns
 */
export function syntheticValues(
  name: string,
  { mean, halfRange }: Pick<SyntheticTensor, "mean" | "halfRange">,
  begin: number,
  end: number,
): Float32Array {
  const seed = seedOf(name);
  const values = new Float32Array(end - begin);
  for (let i = begin; i < end; i++) {
    let h = (seed + Math.imul(i, 0x9e3779b1)) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    values[i - begin] = mean + (2 * ((h >>> 0) / 4294967296) - 1) * halfRange;
  }
  return values;
}

/** Tensors of one synthetic checkpoint by OpenAI's names; `transformer.resblocks.*` stands for every block. */
export type SyntheticSpec = Readonly<Record<string, SyntheticTensor>>;

/** Synthetic weights as a backend reads them, and the rows of the token table. */
export interface SyntheticWeights extends WeightSource {
  /** Rows of the token table. @returns [ids.length, width], a new array */
  tokenRows(ids: ArrayLike<number>): Float32Array;
  /** A tensor's entry by its full name, block number included; undefined if there is none. */
  find(name: string): SyntheticTensor | undefined;
}

/**
 * @param spec - tensors by OpenAI's names. The projection is read as `text_projection.weight` [embedDim, width], the
 *   transpose of OpenAI's `text_projection`
 * @param seed - prepended to each name before hashing; the golden data have none
 */
export function syntheticWeights(spec: SyntheticSpec, seed = ""): SyntheticWeights {
  const find = (name: string): SyntheticTensor | undefined =>
    spec[name.replace(/^transformer\.resblocks\.\d+\./, "transformer.resblocks.*.")];
  const values = (name: string, entry: SyntheticTensor, rows: RowRange): Float32Array => {
    const columns = entry.shape[1] ?? 1;
    return syntheticValues(seed + name, entry, rows.begin * columns, rows.end * columns);
  };
  const read = (name: string, rows?: RowRange): Tensor => {
    if (name === "text_projection.weight") return transposedProjection(spec, seed, rows);
    const entry = find(name);
    if (entry === undefined)
      throw new RangeError(`syntheticWeights: expected a tensor of the spec, got ${name}`);
    const range = rows ?? { begin: 0, end: entry.shape[0]! };
    return tensor("float32", [range.end - range.begin, ...entry.shape.slice(1)], values(name, entry, range));
  };
  return {
    read: (name, rows) => new Promise((resolve) => resolve(read(name, rows))),
    find,
    tokenRows: (ids) => {
      const entry = spec["token_embedding.weight"]!;
      const width = entry.shape[1]!;
      const table = new Float32Array(ids.length * width);
      for (let i = 0; i < ids.length; i++) {
        table.set(values("token_embedding.weight", entry, { begin: ids[i]!, end: ids[i]! + 1 }), i * width);
      }
      return table;
    },
  };
}

function transposedProjection(spec: SyntheticSpec, seed: string, rows: RowRange | undefined): Tensor {
  const entry = spec["text_projection"]!;
  const [width, embedDim] = [entry.shape[0]!, entry.shape[1]!];
  const stored = syntheticValues(`${seed}text_projection`, entry, 0, width * embedDim); // [width, embedDim]
  const { begin, end } = rows ?? { begin: 0, end: embedDim };
  const transposed = new Float32Array((end - begin) * width); // [embedDim, width]
  for (let out = begin; out < end; out++) {
    for (let c = 0; c < width; c++) transposed[(out - begin) * width + c] = stored[c * embedDim + out]!;
  }
  return tensor("float32", [end - begin, width], transposed);
}

/**
 * The spec of a tower of any shape, by the standard deviations that the golden weights use (OpenAI's initialisation,
 * enlarged so that captions, activation, biases and attention all show in the embedding).
 */
export function syntheticSpec(shape: {
  readonly width: number;
  readonly layers: number;
  readonly mlpWidth: number;
  readonly embedDim: number | null;
  readonly contextLength: number;
  readonly vocabSize: number;
}): SyntheticSpec {
  const { width, layers, mlpWidth, embedDim, contextLength, vocabSize } = shape;
  const spread = (dimensions: number[], std: number, mean = 0): SyntheticTensor => ({
    shape: dimensions,
    mean,
    halfRange: Math.sqrt(3) * std,
  });
  const block = "transformer.resblocks.*";
  const depth = Math.sqrt(2 * layers);
  const norm = (name: string): SyntheticSpec => ({
    [`${name}.weight`]: spread([width], 0.1, 1),
    [`${name}.bias`]: spread([width], 0.05),
  });
  return {
    "token_embedding.weight": spread([vocabSize, width], 0.02),
    positional_embedding: spread([contextLength, width], 0.01),
    ...norm(`${block}.ln_1`),
    [`${block}.attn.in_proj_weight`]: spread([3 * width, width], 1.5 / Math.sqrt(width)),
    [`${block}.attn.in_proj_bias`]: spread([3 * width], 0.08),
    [`${block}.attn.out_proj.weight`]: spread([width, width], 1 / Math.sqrt(width) / depth),
    [`${block}.attn.out_proj.bias`]: spread([width], 0.08),
    ...norm(`${block}.ln_2`),
    [`${block}.mlp.c_fc.weight`]: spread([mlpWidth, width], 2 / Math.sqrt(2 * width)),
    [`${block}.mlp.c_fc.bias`]: spread([mlpWidth], 0.08),
    [`${block}.mlp.c_proj.weight`]: spread([width, mlpWidth], 2 / Math.sqrt(width) / depth),
    [`${block}.mlp.c_proj.bias`]: spread([width], 0.08),
    ...norm("ln_final"),
    ...(embedDim === null ? {} : { text_projection: spread([width, embedDim], 1 / Math.sqrt(width)) }),
  };
}
