/**
 * Opens the model of a command line on the backend of its choice, and says what it runs on.
 *
 * Not here: prompts.
 */
import { readFile } from "node:fs/promises";
import { createTextEncoder } from "textower";
import type { ClipTextEncoder, EncoderInfo } from "textower";
import { BackendError, UnsupportedError } from "@textower/graph";
import { vocabularyFromTokenizerJson } from "@textower/tokenizer";
import type { TokenizerOptions } from "@textower/tokenizer";
import type { Backend } from "@textower/graph";
import { BACKENDS, findBackend } from "./backends.js";
import type { BackendName } from "./backends.js";
import { BadInputError, NoBackendError } from "./errors.js";
import type { Io } from "./io.js";
import { checkpointOptions } from "./model.js";
import type { ModelOptions, RunOptions, TextOptions } from "./options.js";
import type { Progress } from "./progress.js";

/** A model that is ready, and what a user should know about why it runs where it does. */
export interface OpenedEncoder {
  readonly encoder: ClipTextEncoder;
  /** Why backends that come first were passed over; empty if the first one, or the one asked for, works. */
  readonly passedOver: readonly string[];
}

/**
 * Opens the model. With backend "auto" the first one that is there and takes the model wins.
 * @throws NoBackendError if none does, with each one's reason; else what `createTextEncoder` rejects with
 */
export async function openEncoder(
  options: ModelOptions & RunOptions & Pick<TextOptions, "cleaning" | "vocabulary">,
  progress: Progress,
  io: Io,
): Promise<OpenedEncoder> {
  const { model, precision } = options;
  const tokenizer = await tokenizerOptions(options);
  const { opened: encoder, passedOver } = await onSomeBackend(options, progress, ({ backend }) =>
    createTextEncoder({
      model,
      backend,
      precision,
      tokenizer,
      ...checkpointOptions(options, progress, io),
      onProgress: ({ loaded, total }) => progress.show("weights", loaded, total),
    }),
  );
  return { encoder, passedOver };
}

/**
 * Opens something on the backend that is asked for, or the first of all on which it opens.
 * @throws NoBackendError if there is none, with each one's reason; else what `open` rejects with
 */
export async function onSomeBackend<Opened>(
  { backend: choice, threads }: Pick<RunOptions, "backend" | "threads">,
  progress: Progress,
  open: (found: { readonly name: BackendName; readonly backend: Backend }) => Promise<Opened>,
): Promise<{ readonly opened: Opened; readonly passedOver: readonly string[] }> {
  const passedOver: string[] = [];
  for (const name of choice === "auto" ? BACKENDS : [choice]) {
    const found = await findBackend(name, threads);
    if ("missing" in found) {
      passedOver.push(found.missing);
      continue;
    }
    try {
      return { opened: await open({ name, backend: found.backend }), passedOver };
    } catch (error) {
      const next = choice === "auto" && (error instanceof UnsupportedError || error instanceof BackendError);
      if (!next) throw error;
      passedOver.push(error.message);
    } finally {
      progress.hide();
    }
  }
  throw new NoBackendError(`expected a backend that works here, got none: ${passedOver.join("; ")}`);
}

/** What `--cleaning` and `--vocabulary` say. @throws BadInputError for a vocabulary that cannot be read */
export async function tokenizerOptions({
  cleaning,
  vocabulary,
}: Pick<TextOptions, "cleaning" | "vocabulary">): Promise<Omit<TokenizerOptions, "contextLength">> {
  const chosen = cleaning === undefined ? {} : { cleaning };
  if (vocabulary === undefined) return chosen;
  let json: string;
  try {
    json = await readFile(vocabulary, "utf8");
  } catch (error) {
    throw new BadInputError(`${vocabulary}: cannot be read: ${String(error)}`, { cause: error });
  }
  return { ...chosen, vocabulary: vocabularyFromTokenizerJson(json) };
}

/** One line: "shapes on wasm (wasm simd, 2 threads), float32". */
export function describeRun(model: string, info: EncoderInfo): string {
  const threads = info.threads === 1 ? "1 thread" : `${info.threads} threads`;
  return `${model} on ${info.backend} (${info.device}, ${threads}), ${info.precision}`;
}

/** Remarks on a run, one a line: those of the backend, and why it is not a faster one. */
export function remarks({
  encoder,
  passedOver,
}: {
  readonly encoder: { readonly info: EncoderInfo };
  readonly passedOver: readonly string[];
}): string[] {
  return [...passedOver.map((reason) => `not on ${reason}`), ...encoder.info.notes];
}
