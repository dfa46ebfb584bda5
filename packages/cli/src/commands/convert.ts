/**
 * `textower convert`: a checkpoint's text tower in another precision, in a directory as transformers lays it out, and by
 * how much that changes the vectors of some prompts.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTextEncoder, similarity } from "textower";
import type { Precision } from "@textower/graph";
import { clipVocabulary } from "@textower/tokenizer";
import { convertCheckpoint, openCheckpoint } from "@textower/weights";
import type { Checkpoint } from "@textower/weights";
import { wasm } from "@textower/backend-wasm";
import { flush, write } from "../io.js";
import type { Io } from "../io.js";
import { locate } from "../model.js";
import type { CheckpointFlags } from "../options.js";
import { jsonLine } from "../output/jsonl.js";
import { quote } from "../output/quote.js";
import { table } from "../output/table.js";
import { tokenizerJson } from "../output/tokenizer-json.js";
import { writePieces } from "../output/write-pieces.js";
import { Progress } from "../progress.js";

/** Options of `convert`. */
export interface ConvertOptions extends CheckpointFlags {
  readonly precision: Precision;
  readonly out: string;
  readonly format: "table" | "jsonl";
}

/** Prompts whose vectors are compared: short and long, plain and odd. */
const PROMPTS = [
  "",
  "a",
  "a photo of a cat",
  "a photo of a dog",
  "two cats asleep on a red sofa",
  "a blue star",
  "a small red circle on a white background",
  "a black and white photograph of an empty street at night",
  "an aerial view of a harbour with fishing boats",
  "a close-up of a bee on a sunflower",
  "a plate of spaghetti with tomato sauce and basil",
  "a child's drawing of a house with a smoking chimney",
  "the skyline of New York in the rain",
  "a handwritten letter, dated 1874",
  "a diagram of the water cycle",
  "a screenshot of a spreadsheet",
  "ein Foto von einem Hund",
  "une photo d'un chat noir",
  "猫の写真",
  "фотография собаки",
  "🐱🐶",
  "HELLO!!! 50% OFF",
  "x^2 + y^2 = r^2",
  "a bicycle leaning against a yellow wall, with a basket full of flowers in front of its handlebars",
];

/** Runs the command. A file appears under its name when it is complete. */
export async function convert(source: string, options: ConvertOptions, io: Io): Promise<void> {
  const { precision, out, format } = options;
  const progress = new Progress(io);
  const located = await locate(source, options, progress, io);
  const checkpoint = await openCheckpoint(located.source, { readAhead: true, ...located.options });
  try {
    const conversion = convertCheckpoint(checkpoint, precision);
    await mkdir(out, { recursive: true });
    const isClips = checkpoint.descriptor.vocabSize === clipVocabulary().size;
    const model = join(out, "model.safetensors");
    await writePieces(model, conversion.pieces(io.signal), conversion.fileBytes, progress);
    await writeFile(join(out, "config.json"), `${JSON.stringify(conversion.config, null, 2)}\n`);
    if (isClips) await writeFile(join(out, "tokenizer.json"), tokenizerJson(clipVocabulary()));
    const deviation = isClips ? await compare(checkpoint, out, io.signal) : undefined;
    const report = {
      out,
      precision,
      bytes: conversion.fileBytes,
      textBytes: checkpoint.textBytes,
      ...deviation,
    };
    await write(io.stdout, format === "jsonl" ? jsonLine(report) : describe(report));
    await flush(io.stdout);
  } finally {
    progress.hide();
    await checkpoint.close();
  }
}

interface Deviation {
  readonly prompts: number;
  readonly meanCosine: number;
  readonly worstCosine: number;
  readonly worstPrompt: string;
}

/** Cosines between vectors of the old file and the new one, both computed in float32. */
async function compare(
  before: Checkpoint,
  after: string,
  signal: AbortSignal | undefined,
): Promise<Deviation> {
  const encode = async (model: Checkpoint | string): Promise<readonly Float32Array[]> => {
    const encoder = await createTextEncoder({ model, backend: wasm(), ...(signal && { signal }) });
    try {
      return (await encoder.encode(PROMPTS, signal === undefined ? {} : { signal })).embeddings;
    } finally {
      await encoder.dispose();
    }
  };
  const [old, converted] = [await encode(before), await encode(after)];
  const cosines = PROMPTS.map((_, i) => similarity([old[i]!], [converted[i]!])[0]![0]!);
  const worst = Math.min(...cosines);
  return {
    prompts: PROMPTS.length,
    meanCosine: cosines.reduce((sum, value) => sum + value, 0) / cosines.length,
    worstCosine: worst,
    worstPrompt: PROMPTS[cosines.indexOf(worst)]!,
  };
}

function describe(
  report: Partial<Deviation> & Readonly<Record<"out" | "precision", string>> & ReportedBytes,
): string {
  const { out, precision, bytes, textBytes, meanCosine, worstCosine, prompts, worstPrompt } = report;
  const megabytes = (count: number): string => `${(count / 1e6).toFixed(1)} MB`;
  return table([
    ["written", `${out}, ${precision}, ${megabytes(bytes)}; the text tower had ${megabytes(textBytes)}`],
    meanCosine === undefined || worstCosine === undefined
      ? ["deviation", "not measured: the vocabulary is not CLIP's own, and there is no tokenizer.json either"]
      : [
          "deviation",
          `cosine ${meanCosine.toFixed(6)} on average over ${prompts} prompts, ` +
            `at worst ${worstCosine.toFixed(6)}: ${quote(worstPrompt ?? "")}`,
        ],
  ]);
}

interface ReportedBytes {
  readonly bytes: number;
  readonly textBytes: number;
}
