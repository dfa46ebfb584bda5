/**
 * Opens the model of a command line on another thread, so that this one stays free while the model runs.
 *
 * Not here: what happens on that thread (`encoder-worker.ts`).
 */
import { Worker } from "node:worker_threads";
import { createTokenizer } from "@textower/tokenizer";
import type { Tokenizer, TokenizerOptions } from "@textower/tokenizer";
import { createWorkerTextEncoder } from "textower/worker";
import type { WorkerTextEncoder } from "textower/worker";
import { onSomeBackend, tokenizerOptions } from "./encoder.js";
import { BadInputError } from "./errors.js";
import type { Io } from "./io.js";
import { checkpointOptions } from "./model.js";
import type { ModelOptions, RunOptions, TextOptions } from "./options.js";
import type { Progress } from "./progress.js";

/** A model that is ready on its thread. */
export interface WorkerEncoder {
  readonly encoder: WorkerTextEncoder;
  /** On this thread: prompts are checked before they are sent. */
  readonly tokenizer: Tokenizer;
  /** Why backends that come first were passed over; empty if the first one, or the one asked for, works. */
  readonly passedOver: readonly string[];
  /** Ends the thread. */
  readonly close: () => Promise<void>;
}

/** Tokens of CLIP's vocabulary, which is built in (openai/CLIP, `simple_tokenizer.py`). */
const CLIP_VOCABULARY = 49408;

/** As `openEncoder`. @throws BadInputError for a checkpoint of another vocabulary that is not given */
export async function openWorkerEncoder(
  options: ModelOptions & RunOptions & Pick<TextOptions, "cleaning" | "vocabulary">,
  progress: Progress,
  io: Io,
): Promise<WorkerEncoder> {
  const { model, precision, threads } = options;
  const tokenizer = await tokenizerOptions(options);
  const { hub, ...checkpoint } = checkpointOptions(options, progress, io);
  const { onProgress: _, onWarning: __, ...hubData } = hub ?? {}; // functions cannot be sent
  const { opened, passedOver } = await onSomeBackend(options, progress, async ({ name }) => {
    const worker = new Worker(new URL("./encoder-worker.js", import.meta.url), {
      workerData: { name, threads },
    });
    try {
      const encoder = await createWorkerTextEncoder({
        worker,
        model,
        backend: name,
        precision,
        tokenizer,
        ...checkpoint,
        hub: hubData,
        onProgress: ({ loaded, total }) => progress.show("weights", loaded, total),
      });
      return { encoder, worker };
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  });
  const { encoder, worker } = opened;
  const close = async (): Promise<void> => {
    await encoder.dispose();
    await worker.terminate();
  };
  try {
    return { encoder, tokenizer: tokenizerOf(encoder, tokenizer), passedOver, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function tokenizerOf(
  { info }: WorkerTextEncoder,
  options: Omit<TokenizerOptions, "contextLength">,
): Tokenizer {
  const { contextLength, vocabSize, padId } = info.descriptor;
  if (vocabSize !== CLIP_VOCABULARY && options.vocabulary === undefined) {
    throw new BadInputError(
      `serve: expected --vocabulary for a checkpoint of ${vocabSize} tokens, which are not CLIP's ${CLIP_VOCABULARY}, got none`,
    );
  }
  return createTokenizer({ padId, ...options, contextLength });
}
