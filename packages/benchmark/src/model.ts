/**
 * Synthetic checkpoints: the text tower of a known shape with made-up weights, as a file in memory. Time does not
 * depend on the values of weights, and nothing has to be downloaded.
 */
import { syntheticSpec, syntheticValues } from "@textower/conformance";
import { architecture } from "@textower/model";
import type { TextEncoderDescriptor } from "@textower/model";
import { safetensorsHeader } from "@textower/weights";

/**
 * Names of the shapes. `small` has two blocks of width 128, `medium` six of width 256: for slow machines, and to try things
 * out.
 */
export const SYNTHETIC_MODELS = ["small", "medium", "ViT-B-32", "ViT-L-14"] as const;

/** See `SYNTHETIC_MODELS`. */
export type SyntheticModel = (typeof SYNTHETIC_MODELS)[number];

/** Activation of all of them. */
export const SYNTHETIC_ACTIVATION = "quick_gelu";

/** Width and blocks of those that nobody has trained, with heads of 64 as CLIP has them. */
const REDUCED = { small: [128, 2], medium: [256, 6] } as const;

/** Elements made at a time: 4 MiB. */
const PIECE = 2 ** 20;

/**
 * Makes the file, 27 MB (`small`) to 494 MB; nothing of it is read here. With CLIP's own vocabulary.
 * @returns a safetensors file in OpenAI's names, the caller's
 */
export function syntheticModel(name: SyntheticModel): File {
  const descriptor = shapeOf(name);
  const tensors = new Map<string, { shape: readonly number[]; mean: number; halfRange: number }>();
  for (const [pattern, entry] of Object.entries(syntheticSpec(descriptor))) {
    const layers = pattern.includes("*") ? descriptor.layers : 1;
    for (let layer = 0; layer < layers; layer++) tensors.set(pattern.replace("*", String(layer)), entry);
  }
  const declarations = Array.from(tensors, ([tensor, { shape }]) => ({
    name: tensor,
    dtype: "F32" as const,
    shape,
  }));
  const { bytes, order } = safetensorsHeader(declarations);
  const parts: BlobPart[] = [new Uint8Array(bytes)];
  for (const { name: tensor, byteLength } of order) {
    const elements = byteLength / 4;
    for (let begin = 0; begin < elements; begin += PIECE) {
      const values = syntheticValues(tensor, tensors.get(tensor)!, begin, Math.min(elements, begin + PIECE));
      parts.push(new Blob([new Float32Array(values)])); // a browser may keep it on disk
    }
  }
  return new File(parts, `synthetic ${name}`);
}

function shapeOf(name: SyntheticModel): TextEncoderDescriptor {
  if (name !== "small" && name !== "medium") return architecture(name, SYNTHETIC_ACTIVATION);
  const [width, layers] = REDUCED[name];
  return {
    ...architecture("ViT-B-32", SYNTHETIC_ACTIVATION),
    width,
    layers,
    heads: width / 64,
    mlpWidth: 4 * width,
    embedDim: width,
  };
}
