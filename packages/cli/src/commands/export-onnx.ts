/**
 * `textower export-onnx`: a checkpoint's text tower as an ONNX model, in a directory as transformers.js loads it.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exportTextModel } from "@textower/backend-onnx";
import { buildTextEncoder } from "@textower/model";
import { clipVocabulary } from "@textower/tokenizer";
import { convertCheckpoint, openCheckpoint } from "@textower/weights";
import type { Checkpoint } from "@textower/weights";
import { flush, write } from "../io.js";
import type { Io } from "../io.js";
import { locate } from "../model.js";
import type { CheckpointFlags } from "../options.js";
import { jsonLine } from "../output/jsonl.js";
import { table } from "../output/table.js";
import { tokenizerJson } from "../output/tokenizer-json.js";
import { writePieces } from "../output/write-pieces.js";
import { Progress } from "../progress.js";

/** Options of `export-onnx`. */
export interface ExportOnnxOptions extends CheckpointFlags {
  readonly precision: "float32" | "float16";
  readonly out: string;
  readonly format: "table" | "jsonl";
}

/** What transformers.js appends to a model's name for each of its `dtype`s. */
const SUFFIXES = { float32: "", float16: "_fp16" } as const;

/** Runs the command. A model's file appears under its name when it is complete. */
export async function exportOnnxModel(source: string, options: ExportOnnxOptions, io: Io): Promise<void> {
  const { precision, out, format } = options;
  const progress = new Progress(io);
  const located = await locate(source, options, progress, io);
  const checkpoint = await openCheckpoint(located.source, { readAhead: true, ...located.options });
  try {
    const { descriptor } = checkpoint;
    const name = `text_model${SUFFIXES[precision]}.onnx`;
    const graph = buildTextEncoder(descriptor);
    const { files } = exportTextModel(graph, checkpoint, descriptor, { precision, name });
    const config = configOf(checkpoint, files.length > 1);
    const tokenizer = await tokenizerOf(checkpoint, io.signal);

    await mkdir(join(out, "onnx"), { recursive: true });
    for (const file of files) {
      const path = join(out, "onnx", file.name);
      await writePieces(path, file.pieces(io.signal), file.byteLength, progress);
    }
    await writeJson(join(out, "config.json"), config);
    if (tokenizer !== undefined) {
      await writeFile(join(out, "tokenizer.json"), tokenizer);
      await writeJson(join(out, "tokenizer_config.json"), tokenizerConfig(checkpoint));
    }
    progress.hide();
    const bytes = files.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const report = { out, precision, files: files.map((file) => `onnx/${file.name}`), bytes };
    const size = `${(bytes / 1e6).toFixed(1)} MB`;
    const lines = table([
      ["written", `${out}, ${precision}, ${size}: ${report.files.join(", ")}`],
      ...(tokenizer === undefined ? [["tokenizer", "none: the vocabulary is not CLIP's own"] as const] : []),
    ]);
    await write(io.stdout, format === "jsonl" ? jsonLine(report) : lines);
    await flush(io.stdout);
  } finally {
    progress.hide();
    await checkpoint.close();
  }
}

/** As `convert` has it, and where transformers.js looks for data outside the model. */
function configOf(checkpoint: Checkpoint, isSplit: boolean): Readonly<Record<string, unknown>> {
  const { config } = convertCheckpoint(checkpoint, "float32");
  return isSplit ? { ...config, "transformers.js_config": { use_external_data_format: true } } : config;
}

/** The checkpoint's own, or CLIP's; undefined for another vocabulary without one. */
async function tokenizerOf(
  checkpoint: Checkpoint,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const own = await checkpoint.tokenizerJson(signal);
  if (own !== undefined) return own;
  return checkpoint.descriptor.vocabSize === clipVocabulary().size
    ? tokenizerJson(clipVocabulary())
    : undefined;
}

/** As published with CLIP's models: prompts are filled up with the end of text, of which the first counts. */
function tokenizerConfig({ descriptor }: Checkpoint): Readonly<Record<string, unknown>> {
  const { startOfText, endOfText } = clipVocabulary();
  return {
    tokenizer_class: "CLIPTokenizer",
    model_max_length: descriptor.contextLength,
    bos_token: startOfText.content,
    eos_token: endOfText.content,
    pad_token: endOfText.content,
    unk_token: endOfText.content,
  };
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}
