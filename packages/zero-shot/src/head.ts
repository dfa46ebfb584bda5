/**
 * `ZeroShotHead`: one vector per class, and the temperature: the last layer of a classifier over image embeddings.
 * Plain data; nothing to dispose.
 *
 * Not here: building (`build.ts`), files (`file.ts`), images: embeddings come ready-made.
 */
import { ZeroShotError } from "./errors.js";

/** An image embedding as it comes: float32, or plain numbers. Its length does not matter. [embedDim] */
export type Vector = ArrayLike<number>;

/** What building a head took. */
export interface BuildCost {
  /** Classes times templates. */
  readonly prompts: number;
  /** Tokens of all prompts. */
  readonly tokens: number;
  /** Rows that were computed: tokens, less what prompts have in common. */
  readonly rows: number;
  /** Rows if every prompt were padded to the context length, as the original code does it. */
  readonly paddedRows: number;
  readonly seconds: number;
}

/** What a head is made of. */
export interface ZeroShotHeadParts {
  /** Which checkpoint the class vectors come from. */
  readonly checkpoint: string;
  readonly classes: readonly string[];
  readonly templates: readonly string[];
  /** Logarithm of the temperature, as checkpoints store it: logits are exp(logitScale) · cosine. */
  readonly logitScale: number;
  readonly embedDim: number;
  /** Unit vectors. [classes, embedDim] */
  readonly weights: Float32Array;
  /** Absent for a head that was read from a file. */
  readonly cost?: BuildCost;
}

/** Options of `classify`. */
export interface ClassifyOptions {
  /** Classes to return for each image. Default 5, or all if there are fewer. */
  readonly topK?: number;
  /**
   * Which checkpoint the image embeddings come from. A vector does not say: where this is left out, only its width is
   * checked.
   */
  readonly checkpoint?: string;
}

/** One class that an image may be of. */
export interface Prediction {
  /** Place in `classes`. */
  readonly index: number;
  readonly label: string;
  /** Softmax over all classes, not only those returned. */
  readonly probability: number;
  /** Cosine, −1 … 1. */
  readonly similarity: number;
}

/** See the file's head. Made by `buildZeroShotHead` and `readZeroShotHead`. */
export class ZeroShotHead implements ZeroShotHeadParts {
  readonly checkpoint: string;
  readonly classes: readonly string[];
  readonly templates: readonly string[];
  readonly logitScale: number;
  readonly embedDim: number;
  readonly weights: Float32Array;
  readonly cost?: BuildCost;

  /** @param parts - kept, not copied */
  constructor(parts: ZeroShotHeadParts) {
    this.checkpoint = parts.checkpoint;
    this.classes = parts.classes;
    this.templates = parts.templates;
    this.logitScale = parts.logitScale;
    this.embedDim = parts.embedDim;
    this.weights = parts.weights;
    if (parts.cost !== undefined) this.cost = parts.cost;
  }

  /**
   * The likeliest classes of each image, likeliest first: softmax of exp(logitScale) · cosine (openai/CLIP, `forward`).
   * @returns [images][topK]
   * @throws ZeroShotError `width`, `checkpoint`, `bad-vector`; RangeError for a `topK` that is no positive integer
   * @example const [[best]] = head.classify([imageEmbedding], { topK: 1 }); // best.label, best.probability
   */
  classify(images: readonly Vector[], { topK = 5, checkpoint }: ClassifyOptions = {}): Prediction[][] {
    if (!Number.isInteger(topK) || topK < 1) {
      throw new RangeError(`classify: expected a topK of 1 or more, got ${topK}`);
    }
    if (checkpoint !== undefined && checkpoint !== this.checkpoint) {
      throw new ZeroShotError(
        "checkpoint",
        `classify: expected embeddings of ${this.checkpoint}, got some of ${checkpoint}`,
      );
    }
    const lengths = images.map((image, index) => this.#length(image, index));
    return images.map((image, index) => this.#predict(image, lengths[index]!, topK));
  }

  #length(image: Vector, index: number): number {
    if (image.length !== this.embedDim) {
      throw new ZeroShotError(
        "width",
        `classify: expected embeddings of width ${this.embedDim}, got ${image.length} for image ${index}`,
      );
    }
    const length = lengthOf(image);
    if (!(length > 0 && length < Infinity)) {
      throw new ZeroShotError(
        "bad-vector",
        `classify: expected an embedding with a length, got ${length} for image ${index}`,
      );
    }
    return length;
  }

  #predict(image: Vector, length: number, topK: number): Prediction[] {
    const { classes, embedDim, weights } = this;
    const similarities = Float64Array.from(classes, (_, index) => {
      let dot = 0;
      for (let i = 0; i < embedDim; i++) dot += image[i]! * weights[index * embedDim + i]!;
      return dot / length;
    });
    const order = Array.from(classes.keys()).sort((a, b) => similarities[b]! - similarities[a]! || a - b);
    const scale = Math.exp(this.logitScale);
    const largest = similarities[order[0]!]!; // taken off every logit, so that nothing overflows
    let sum = 0;
    for (const similarity of similarities) sum += Math.exp(scale * (similarity - largest));
    return order.slice(0, topK).map((index) => {
      const similarity = similarities[index]!;
      const probability = Math.exp(scale * (similarity - largest)) / sum;
      return { index, label: classes[index]!, probability, similarity };
    });
  }
}

/** Euclidean length. */
export function lengthOf(vector: Vector): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  return Math.sqrt(squares);
}
