/** `textower info`: what is known of a checkpoint, and from where. Works for files whose activation nothing names. */
import { inspectCheckpoint } from "@textower/weights";
import type { CheckpointInspection } from "@textower/weights";
import { flush, write } from "../io.js";
import type { Io } from "../io.js";
import { locate } from "../model.js";
import type { CheckpointFlags } from "../options.js";
import { bytesInWords } from "../output/bytes.js";
import { jsonLine } from "../output/jsonl.js";
import { quote } from "../output/quote.js";
import { table } from "../output/table.js";
import { Progress } from "../progress.js";

/** Options of `info`. */
export interface InfoOptions extends CheckpointFlags {
  readonly format: "table" | "jsonl";
}

/** Runs the command. */
export async function info(checkpoint: string, options: InfoOptions, io: Io): Promise<void> {
  const progress = new Progress(io);
  let inspection: CheckpointInspection;
  try {
    const located = await locate(checkpoint, options, progress, io);
    inspection = await inspectCheckpoint(located.source, located.options);
  } finally {
    progress.hide();
  }
  await write(io.stdout, options.format === "jsonl" ? jsonLine(plain(inspection)) : describe(inspection));
  await flush(io.stdout);
}

/** The inspection as JSON has it: maps as objects, what is unknown as null. */
function plain(inspection: CheckpointInspection): object {
  const { descriptor, metadata, tensors } = inspection;
  return {
    ...inspection,
    descriptor: { ...descriptor, activation: descriptor.activation ?? null },
    logitScale: inspection.logitScale ?? null,
    metadata: Object.fromEntries(metadata),
    tensors: Object.fromEntries(tensors),
  };
}

function describe(inspection: CheckpointInspection): string {
  const { name, format, naming, storedBytes, textBytes, fileBytes, logitScale, metadata, tensors } =
    inspection;
  const stored = Object.entries(storedBytes).map(([dtype, bytes]) => `${dtype} ${bytesInWords(bytes)}`);
  const facts = [
    ["file", name],
    ["format", `${format}, names as in ${naming}`],
    ["text tower", `${bytesInWords(textBytes)} of ${bytesInWords(fileBytes)}, ${tensors.size} tensors`],
    ["stored as", stored.join(", ")],
    ["temperature", temperature(logitScale)],
    ...[...metadata].map(([key, value]) => [`metadata ${quote(key)}`, quote(value)]),
  ];
  const remarks = inspection.warnings.map((warning) => `\n${quote(warning)}\n`).join("");
  return `${table(facts)}\n${describeTower(inspection)}${remarks}`;
}

/** A value a line, with where it came from. */
function describeTower({ descriptor, origins }: CheckpointInspection): string {
  const { pooling, ...values } = { activation: undefined, ...descriptor };
  const shown: Record<string, unknown> = {
    ...values,
    activation: values.activation ?? "unknown",
    embedDim: values.embedDim ?? "none: no projection",
    pooling: `${pooling.rule} ${pooling.endOfText}`,
  };
  const rows = Object.keys(descriptor)
    .concat("activation" in descriptor ? [] : ["activation"])
    .map((key) => [key, String(shown[key]), origins[key as keyof typeof origins] ?? ""]);
  const unknown =
    values.activation === undefined
      ? "\nNothing here names the activation, and tensors cannot tell. Pass --activation with encode:\n" +
        "quick_gelu for OpenAI's own weights, MetaCLIP and DFN; gelu for most OpenCLIP weights; or gelu_tanh.\n"
      : "";
  return `${table([["value", "", "from"], ...rows])}${unknown}`;
}

function temperature(logitScale: number | undefined): string {
  if (logitScale === undefined) return "not in the file";
  return `logit scale ${logitScale.toFixed(4)}: cosine × ${Math.exp(logitScale).toFixed(2)}`;
}
