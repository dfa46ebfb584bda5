/**
 * `exportOnnx`, `exportTextModel`: a graph and its weights as an ONNX model that any runtime loads. What comes out are
 * files by name and length whose bytes are made piece by piece, so that no second copy of the weights ever exists.
 *
 * Not here: a file system, tokenizers, configs; the model of a compiled executable, which stays in memory (`onnx.ts`).
 */
import { UnsupportedError, verify } from "@textower/graph";
import type { Graph, Precision, WeightSource } from "@textower/graph";
import { lowerTextModel } from "./lower-text.js";
import type { TextInterface } from "./lower-text.js";
import { lowerGraph } from "./lower.js";
import type { LoweredGraph, LoweredWeight, MaskInput } from "./lower.js";
import { modelProto } from "./model-proto.js";
import type { OnnxInitializer } from "./model-proto.js";
import type { DeferredBytes } from "./protobuf.js";
import { weightPieces } from "./weights.js";

/** Options of an export. */
export interface ExportOptions {
  /** How the weights of linear layers and the token table are stored; products are float32. Default "float32". */
  readonly precision?: Precision;
  /** Name of the model's file. Default "model.onnx". */
  readonly name?: string;
  /**
   * Whether weights lie in a second file, `<name>_data`, which has to stay beside the first. Default: only where one file
   * would be of 2 GiB or more, which no protocol buffer can be.
   */
  readonly externalData?: boolean;
}

/** A file to be written. */
export interface ExportedFile {
  readonly name: string;
  readonly byteLength: number;
  /**
   * The bytes, in order, some MiB at a time; each piece is the caller's. Weights are read from the source as they are
   * written. Throws UnsupportedError for a weight of another size, or with elements that the precision cannot hold; what
   * the source rejects with; or the signal's reason.
   */
  pieces(signal?: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>, void>;
}

/** An exported model: one file, or two. The model's own comes first. */
export interface OnnxExport {
  readonly files: readonly ExportedFile[];
}

/** An exported graph of packed rows. */
export interface RowsExport extends OnnxExport {
  /** Inputs that a run has to make from the graph's `parents` or `segments`: see `buildMask`. */
  readonly masks: readonly MaskInput[];
}

/** Largest protocol buffer (protobuf.dev/programming-guides/proto-limits). */
const PROTOBUF_LIMIT = 2 ** 31 - 1;
/** Weights in a file of their own begin at multiples of this, so that it can be mapped (onnx/docs/ExternalData.md). */
const ALIGNMENT = 4096;

/**
 * Exports a graph as it is, over packed rows. Inputs and outputs are those of the graph by name, except for `parents` and
 * `segments`, which become dense masks. Standard operators of opset 20. Nothing is read yet.
 *
 * @throws GraphError (`verify`), UnsupportedError for int8
 * @example
 * const { files } = exportOnnx(buildTextEncoder(descriptor), checkpoint);
 * for (const { name, pieces } of files) await writeFile(name, pieces());
 */
export function exportOnnx(graph: Graph, weights: WeightSource, options: ExportOptions = {}): RowsExport {
  verify(graph);
  const lowered = lowerGraph(graph, "initializer", dtypeOf("exportOnnx", options));
  return { files: filesOf(lowered, weights, options), masks: lowered.masks };
}

/**
 * Exports a text tower with the interface of published text models, as transformers.js expects it of
 * `CLIPTextModelWithProjection`: `input_ids` int64 [batch, sequence] → `text_embeds` float32 [batch, embedDim], not
 * normalised. Padding after the end of text may be anything that is no larger id, and no `attention_mask` is needed; towers
 * with full attention want prompts padded to the whole context, which the model's `input_ids` then says.
 *
 * @param graph - a text tower with the output `embedding`, its token rows an input: `buildTextEncoder(descriptor)`
 * @param weights - those of the graph, and `token_embedding.weight` [vocabSize, width]
 * @param text - a checkpoint's descriptor has it
 * @throws GraphError (`verify`), also for a graph of another kind; UnsupportedError for int8
 */
export function exportTextModel(
  graph: Graph,
  weights: WeightSource,
  text: TextInterface,
  options: ExportOptions = {},
): OnnxExport {
  verify(graph);
  const lowered = lowerTextModel(graph, text, dtypeOf("exportTextModel", options));
  return { files: filesOf(lowered, weights, options) };
}

function dtypeOf(who: string, { precision = "float32" }: ExportOptions): "float32" | "float16" {
  if (precision === "int8") {
    throw new UnsupportedError(`${who}: expected precision float32 or float16, got ${precision}`);
  }
  return precision;
}

function filesOf(lowered: LoweredGraph, source: WeightSource, options: ExportOptions): ExportedFile[] {
  const { name = "model.onnx", externalData } = options;
  const weights = new Map(lowered.weights.map((weight) => [weight.name, weight]));
  const pieces = (name: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array<ArrayBuffer>> =>
    weightPieces(weights.get(name)!, source, signal);
  if (externalData !== true) {
    const inside = insideFile(name, lowered, pieces);
    if (externalData === false || inside.byteLength <= PROTOBUF_LIMIT) return [inside];
  }
  return externalFiles(name, lowered, pieces);
}

type Pieces = (weight: string, signal: AbortSignal | undefined) => AsyncGenerator<Uint8Array<ArrayBuffer>>;

/** One file: the model with the weights in their places. */
function insideFile(name: string, lowered: LoweredGraph, pieces: Pieces): ExportedFile {
  const parts = modelProto({
    ...lowered.onnx,
    initializers: withContents(lowered, (weight, byteLength) => ({ deferred: weight.name, byteLength })),
  }).parts();
  return {
    name,
    byteLength: parts.reduce((bytes, part) => bytes + part.byteLength, 0),
    async *pieces(signal) {
      for (const part of parts) {
        if (part instanceof Uint8Array) yield part.slice();
        else yield* pieces(part.deferred, signal);
      }
    },
  };
}

/** Two files: the model, and the weights one after another. */
function externalFiles(name: string, lowered: LoweredGraph, pieces: Pieces): ExportedFile[] {
  const file = `${name}_data`;
  const places: DeferredBytes[] = [];
  let length = 0;
  const initializers = withContents(lowered, (weight, byteLength) => {
    const padding = (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
    places.push({ deferred: "", byteLength: padding }, { deferred: weight.name, byteLength });
    const offset = length + padding;
    length = offset + byteLength;
    return { file, offset, byteLength };
  });
  const model = modelProto({ ...lowered.onnx, initializers }).finish();
  return [
    {
      name,
      byteLength: model.byteLength,
      async *pieces() {
        yield model.slice();
      },
    },
    {
      name: file,
      byteLength: length,
      async *pieces(signal) {
        for (const { deferred, byteLength } of places) {
          if (deferred === "") yield new Uint8Array(byteLength);
          else yield* pieces(deferred, signal);
        }
      },
    },
  ];
}

/** The initializers, those of weights with other contents. */
function withContents(
  { onnx, weights }: LoweredGraph,
  contents: (weight: LoweredWeight, byteLength: number) => OnnxInitializer["contents"],
): OnnxInitializer[] {
  const byName = new Map(weights.map((weight) => [weight.name, weight]));
  return onnx.initializers.map((initializer) => {
    const weight = byName.get(initializer.name);
    if (weight === undefined) return initializer;
    return { ...initializer, contents: contents(weight, initializer.contents.byteLength) };
  });
}
