/**
 * Turns an open checkpoint into a text-only file in Hugging Face's layout, in another precision. The file is made piece
 * by piece, in order, so that nothing but one piece is held.
 *
 * Layout of int8: every matrix, token table and positions included, is stored as I8 under its usual name, and beside it
 * `<name>_scale`, F32 [rows]: value[row, column] = stored[row, column] · scale[row]. Rows are output channels, and ids of
 * the table. Everything of one dimension is F16. `openCheckpoint` reads it back as int8 tensors with their scales.
 *
 * Not here: files, tokenizers, how much the vectors change by it.
 */
import { numberToFloat16, toFloat32 } from "@textower/graph";
import type { Precision, RowRange } from "@textower/graph";
import { safetensorsHeader } from "../safetensors/write.js";
import type { TensorDeclaration } from "../safetensors/write.js";
import type { CheckpointDescriptor } from "./descriptor.js";
import { CheckpointError } from "./errors.js";
import { huggingFaceNames } from "./naming.js";
import type { Checkpoint } from "./open.js";

/** A converted checkpoint, to be written. */
export interface Conversion {
  /** What goes into `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Bytes of `model.safetensors`. */
  readonly fileBytes: number;
  /**
   * The bytes of `model.safetensors`, in order, some MiB at a time; each piece is the caller's. Reads the checkpoint,
   * which stays open; int8 reads matrices twice, for their scales first.
   * Throws CheckpointError `unsupported-dtype` for an element that the precision cannot hold, or as its reads reject.
   */
  pieces(signal?: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>, void>;
}

/** Rows are read so many bytes at a time, counted in float32. */
const PIECE_BYTES = 4 * 2 ** 20;
/** From here on, numbers round to infinity in float16. */
const FLOAT16_LIMIT = 65520;
/** Largest stored int8; −128 is left out, so that the range is symmetric. */
const INT8_LIMIT = 127;

/** A tensor of the new file, and where it comes from. */
interface Output extends TensorDeclaration {
  readonly dtype: "F32" | "F16" | "I8";
  readonly source: string;
  readonly rows: RowRange;
  /** Whether it holds the scales of the source's rows, not the rows. */
  readonly isScale: boolean;
}

/**
 * Plans a conversion; nothing is read yet.
 * @throws CheckpointError `unsupported-model` for a tower that Hugging Face's layout has no words for: full attention, a
 * projection with bias
 * @example
 * const { config, pieces } = convertCheckpoint(checkpoint, "float16");
 * for await (const piece of pieces()) await file.write(piece);
 */
export function convertCheckpoint(checkpoint: Checkpoint, precision: Precision): Conversion {
  const { descriptor, name } = checkpoint;
  if (descriptor.attention !== "causal" || descriptor.projectionBias) {
    const got = descriptor.projectionBias ? "a projection with bias" : "full attention";
    throw new CheckpointError(
      "unsupported-model",
      `${name}: expected a tower that transformers' CLIP can describe, got one with ${got}`,
    );
  }
  const outputs = new Map(plan(checkpoint, precision).map((output) => [output.name, output]));
  const scalar: TensorDeclaration[] =
    checkpoint.logitScale !== undefined && descriptor.embedDim !== null
      ? [{ name: LOGIT_SCALE, dtype: "F32", shape: [] }]
      : [];
  const header = safetensorsHeader([...outputs.values(), ...scalar], { format: "pt" });
  return {
    config: configOf(descriptor, precision),
    fileBytes: header.fileBytes,
    async *pieces(signal) {
      const scales = new Map<string, Float32Array>();
      yield header.bytes as Uint8Array<ArrayBuffer>;
      for (const { name: tensor } of header.order) {
        if (tensor === LOGIT_SCALE) yield bytesOf(Float32Array.of(checkpoint.logitScale!));
        else yield* piecesOf(checkpoint, outputs.get(tensor)!, scales, signal);
      }
    },
  };
}

const LOGIT_SCALE = "logit_scale";

function plan({ tensors }: Checkpoint, precision: Precision): Output[] {
  const dtype = precision === "float32" ? "F32" : "F16";
  return [...tensors].flatMap(([source, shape]) => {
    const names = huggingFaceNames(source);
    const rowCount = shape[0]! / names.length;
    return names.flatMap((name, part): Output[] => {
      const rows = { begin: part * rowCount, end: (part + 1) * rowCount };
      const output: Output = {
        name,
        dtype,
        shape: [rowCount, ...shape.slice(1)],
        source,
        rows,
        isScale: false,
      };
      if (precision !== "int8" || shape.length !== 2) return [output];
      const scale: Output = {
        ...output,
        name: `${name}_scale`,
        dtype: "F32",
        shape: [rowCount],
        isScale: true,
      };
      return [{ ...output, dtype: "I8" }, scale];
    });
  });
}

async function* piecesOf(
  checkpoint: Checkpoint,
  output: Output,
  scales: Map<string, Float32Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { source, rows, name } = output;
  const columns = checkpoint.tensors.get(source)![1] ?? 1;
  const step = Math.max(1, Math.floor(PIECE_BYTES / (4 * columns)));
  const found = output.isScale ? new Float32Array(rows.end - rows.begin) : undefined;
  for (let begin = rows.begin; begin < rows.end; begin += step) {
    const range = { begin, end: Math.min(rows.end, begin + step) };
    const values = toFloat32(await checkpoint.read(source, range, signal));
    if (found !== undefined) rowScales(values, columns, found, begin - rows.begin, name);
    else if (output.dtype === "F32") yield bytesOf(values);
    else if (output.dtype === "F16") yield bytesOf(toFloat16(values, name));
    else yield bytesOf(quantize(values, columns, scales.get(name)!, begin - rows.begin));
  }
  if (found === undefined) return;
  scales.set(name.slice(0, -"_scale".length), found);
  yield bytesOf(found.slice());
}

/** scale[row] = max |row| / 127, from row `at` on. */
function rowScales(
  values: Float32Array,
  columns: number,
  into: Float32Array,
  at: number,
  name: string,
): void {
  for (let row = 0; row * columns < values.length; row++) {
    let largest = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      largest = Math.max(largest, Math.abs(values[i]!)); // NaN stays
    }
    if (!Number.isFinite(largest)) throw notHeld(name, "int8", largest);
    into[at + row] = largest / INT8_LIMIT;
  }
}

function quantize(
  values: Float32Array,
  columns: number,
  scales: Float32Array,
  at: number,
): Int8Array<ArrayBuffer> {
  const quantized = new Int8Array(values.length);
  for (let row = 0; row * columns < values.length; row++) {
    const scale = scales[at + row]!;
    if (scale === 0) continue;
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      quantized[i] = Math.max(-INT8_LIMIT, Math.min(INT8_LIMIT, Math.round(values[i]! / scale)));
    }
  }
  return quantized;
}

function toFloat16(values: Float32Array, name: string): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (!(Math.abs(values[i]!) < FLOAT16_LIMIT)) throw notHeld(name, "float16", values[i]!);
    halves[i] = numberToFloat16(values[i]!);
  }
  return halves;
}

function notHeld(name: string, precision: string, got: number): CheckpointError {
  return new CheckpointError(
    "unsupported-dtype",
    `convertCheckpoint: ${name}: expected elements that ${precision} can hold, got ${got}`,
  );
}

/** As `CLIPTextConfig` has it (transformers `configuration_clip.py`). */
function configOf(tower: CheckpointDescriptor, precision: Precision): Record<string, unknown> {
  const { activation, pooling, embedDim } = tower;
  return {
    architectures: [embedDim === null ? "CLIPTextModel" : "CLIPTextModelWithProjection"],
    model_type: "clip_text_model",
    hidden_size: tower.width,
    intermediate_size: tower.mlpWidth,
    num_hidden_layers: tower.layers,
    num_attention_heads: tower.heads,
    max_position_embeddings: tower.contextLength,
    vocab_size: tower.vocabSize,
    ...(embedDim !== null && { projection_dim: embedDim }),
    hidden_act: activation === "gelu_tanh" ? "gelu_pytorch_tanh" : activation,
    layer_norm_eps: tower.layerNormEpsilon,
    bos_token_id: Math.max(0, pooling.endOfText - 1),
    eos_token_id: pooling.endOfText,
    pad_token_id: tower.padId,
    ...(precision !== "int8" && { torch_dtype: precision }),
  };
}

function bytesOf(view: ArrayBufferView<ArrayBufferLike>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
}
