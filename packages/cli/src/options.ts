/** Options that commands share: what they are called, what they may be, and what they are when nobody says. */
import { availableParallelism } from "node:os";
import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import type { Precision } from "@textower/graph";
import type { Cleaning } from "@textower/tokenizer";
import type { Activation } from "@textower/weights";
import type { LongText, LongTextOptions } from "textower";
import { BACKENDS } from "./backends.js";
import type { BackendName } from "./backends.js";
import { INPUT_FORMATS } from "./input.js";
import type { InputOptions } from "./input.js";

const CLEANINGS = ["openai", "plain", "huggingface"] as const satisfies readonly Cleaning[];
const LONG_TEXT = ["error", "truncate", "windows"] as const satisfies readonly LongText[];
const ACTIVATIONS = ["quick_gelu", "gelu", "gelu_tanh"] as const satisfies readonly Activation[];
/** What `--precision` may be. */
export const PRECISIONS = ["float32", "float16", "int8"] as const satisfies readonly Precision[];

/** How text becomes tokens. */
export interface EncoderTextOptions {
  readonly cleaning?: Cleaning;
  readonly vocabulary?: string;
}

/** What becomes of prompts that are too long. */
export interface LongTextFlags {
  readonly longText: LongText;
  readonly windowOverlap?: number;
}

/** Which text, and how it becomes tokens. */
export interface TextOptions extends InputOptions, EncoderTextOptions {}

/** What runs a model, and how. */
export interface RunOptions {
  readonly backend: BackendName | "auto";
  readonly threads: number;
  readonly precision: Precision;
}

/** How a model on the Hub is had. */
export interface HubFlags {
  readonly offline?: boolean;
  readonly endpoint?: string;
  readonly cacheDir?: string;
  readonly download?: "ranges" | "whole";
}

/** What is said of a checkpoint beside its name. */
export interface CheckpointFlags extends HubFlags {
  readonly activation?: Activation;
}

/** Which model. */
export interface ModelOptions extends CheckpointFlags {
  readonly model: string;
}

/** Adds `--input`, `--input-format`. */
export function addInputOptions(command: Command): Command {
  return command
    .option("-i, --input <file>", "read prompts from a file, one a line; - is standard input")
    .addOption(
      new Option(
        "--input-format <format>",
        "text: a line is a prompt; jsonl: a JSON string, or an object with text",
      )
        .choices(INPUT_FORMATS)
        .default("text"),
    );
}

/** Adds `--cleaning`, `--vocabulary`. */
export function addTextOptions(command: Command): Command {
  return command
    .addOption(cleaningOption())
    .option("--vocabulary <file>", "a tokenizer.json instead of CLIP's own vocabulary");
}

/** Adds `--long-text`, `--window-overlap`. */
export function addLongTextOptions(command: Command): Command {
  return command
    .addOption(longTextOption())
    .option(
      "--window-overlap <tokens>",
      "tokens that neighbouring windows have in common (default: 0)",
      wholeNumber,
    );
}

/** `--long-text`. */
export function longTextOption(): Option {
  const what = "prompts of too many tokens: refuse them, cut them, or take the mean of windows that fit";
  return new Option("--long-text <policy>", what).choices(LONG_TEXT).default("error");
}

/** `--cleaning`. */
export function cleaningOption(): Option {
  return new Option("--cleaning <name>", "how text is cleaned (default: openai)").choices(CLEANINGS);
}

/** Adds `--backend`, `--threads`, `--precision`. */
export function addRunOptions(command: Command): Command {
  return command
    .addOption(
      new Option("-b, --backend <name>", "what computes; auto: the first of the others that works here")
        .choices(["auto", ...BACKENDS])
        .default("auto"),
    )
    .addOption(
      new Option("--threads <count>", "threads that compute")
        .argParser(positiveInteger)
        .default(availableParallelism(), "one a processor"),
    )
    .addOption(
      new Option("--precision <name>", "how weights are kept").choices(PRECISIONS).default("float32"),
    );
}

/** What a model may be, in words. */
export const MODEL_NAMES =
  "shapes (comes with the command), a checkpoint's file or directory, a URL, or a name on the Hugging Face Hub";

/** Adds `--model` and those of `addCheckpointOptions`. */
export function addModelOptions(command: Command): Command {
  return addCheckpointOptions(command.option("-m, --model <model>", MODEL_NAMES, "shapes"));
}

/** Adds `--activation`, `--offline`, `--endpoint`, `--cache-dir`, `--download`. */
export function addCheckpointOptions(command: Command): Command {
  const activation = "the checkpoint's activation, where neither file nor config says";
  return command
    .addOption(new Option("--activation <name>", activation).choices(ACTIVATIONS))
    .option("--offline", "fetch nothing; a model on the Hub comes from the cache (also: HF_HUB_OFFLINE=1)")
    .option("--endpoint <url>", "another hub (also: HF_ENDPOINT)")
    .addOption(cacheDirectoryOption())
    .addOption(
      new Option(
        "--download <how>",
        "ranges: only what is read; whole: the file, with its SHA-256 checked, shared with the Hub's Python tools",
      )
        .choices(["ranges", "whole"])
        .default("ranges"),
    );
}

/** `--cache-dir`. */
export function cacheDirectoryOption(): Option {
  return new Option("--cache-dir <directory>", "the Hub's cache (also: HF_HUB_CACHE, HF_HOME)");
}

/** `--format`, the first being the default. */
export function formatOption(formats: readonly [string, ...string[]]): Option {
  return new Option("-f, --format <format>", "how results are written").choices(formats).default(formats[0]);
}

/** The same as the library's options. */
export function longTextOptions({ longText, windowOverlap }: LongTextFlags): LongTextOptions {
  return { longText, ...(windowOverlap !== undefined && { windowOverlap }) };
}

/**
 * A whole number from 1, as options have it.
 * @throws InvalidArgumentError, which commander turns into its message
 */
export function positiveInteger(text: string): number {
  return integerFrom(1, text);
}

/** As `positiveInteger`, from 0. */
export function wholeNumber(text: string): number {
  return integerFrom(0, text);
}

function integerFrom(least: number, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
  }
  return value;
}

/**
 * A TCP port, or 0.
 * @throws InvalidArgumentError, which commander turns into its message
 */
export function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError("Expected a port from 0 to 65535.");
  }
  return Number(text);
}
