/** `textower serve`: a model as a server, until a signal ends it. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createEmbeddingServer } from "@textower/server";
import { describeRun, remarks } from "../encoder.js";
import { BadInputError, UsageError } from "../errors.js";
import { write } from "../io.js";
import type { Io } from "../io.js";
import type { ModelOptions, RunOptions, TextOptions } from "../options.js";
import { Progress } from "../progress.js";
import { openWorkerEncoder } from "../worker-encoder.js";

/** Options of `serve`. */
export interface ServeOptions extends ModelOptions, RunOptions, Omit<TextOptions, "input" | "inputFormat"> {
  readonly longText: "error" | "truncate";
  readonly host: string;
  readonly port: number;
  readonly name?: string;
  readonly alias?: readonly string[];
  readonly apiKeyFile?: string;
  readonly cors?: readonly string[];
  readonly maxQueuedPrompts: number;
  readonly maxBatchTokens?: number;
  readonly bodyLimit: number;
  readonly shutdownSeconds: number;
}

/** Runs the command until `io.signal` is aborted. Rejects with whatever goes wrong, then also when the model is lost. */
export async function serve(options: ServeOptions, io: Io): Promise<void> {
  const { host, port, alias, maxBatchTokens, longText } = options;
  const apiKeys = await apiKeysOf(options, io);
  const opened = await openWorkerEncoder(options, new Progress(io), io);
  const { encoder, tokenizer } = opened;
  try {
    const lost = new AbortController();
    const server = await createEmbeddingServer({
      encoder,
      tokenizer,
      longText,
      apiKeys,
      model: nameOf(options, encoder.info.checkpoint),
      ...(alias !== undefined && { aliases: alias }),
      ...(options.cors !== undefined && { cors: options.cors.includes("*") ? "*" : options.cors }),
      ...(maxBatchTokens !== undefined && { maxBatchTokens }),
      maxQueuedPrompts: options.maxQueuedPrompts,
      bodyLimit: options.bodyLimit,
      processMetrics: true,
      onError: (error) => {
        if (error instanceof Error && error.name === "WorkerLostError") lost.abort(error);
        else io.stderr.write(`textower: ${String(error)}\n`);
      },
    });
    try {
      const { url } = await server.listen({ host, port });
      if (!isLoopback(host) && apiKeys.length === 0) {
        io.stderr.write(
          `textower: warning: anybody who reaches ${host} can use this server; see --api-key-file\n`,
        );
      }
      const lines = [describeRun(options.model, encoder.info), ...remarks(opened), `listening on ${url}/v1`];
      await write(io.stdout, lines.map((line) => `${line}\n`).join(""));
      await aborted(io.signal, lost.signal);
    } finally {
      await server.close({ deadline: options.shutdownSeconds * 1000 });
    }
    lost.signal.throwIfAborted();
  } finally {
    await opened.close();
  }
}

/** Keys are not among the flags: command lines are seen by others. */
async function apiKeysOf({ apiKeyFile }: ServeOptions, { env }: Io): Promise<string[]> {
  const key = env["TEXTOWER_API_KEY"] ?? "";
  const keys = key === "" ? [] : [key];
  if (apiKeyFile === undefined) return keys;
  let text: string;
  try {
    text = await readFile(apiKeyFile, "utf8");
  } catch (error) {
    throw new BadInputError(`${apiKeyFile}: cannot be read: ${String(error)}`, { cause: error });
  }
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  // An empty file is a mistake, and no reason to let everybody in.
  if (lines.length === 0) throw new UsageError(`--api-key-file ${apiKeyFile}: expected keys, got none`);
  return [...keys, ...lines];
}

/** As the user says it, unless that is a place on this machine. */
function nameOf({ name, model }: ServeOptions, checkpoint: string): string {
  if (name !== undefined) return name;
  if (!existsSync(model) && !model.includes("://")) return model;
  return checkpoint.split(/[?#]/, 1)[0]!.split(/[/\\]/).filter(Boolean).at(-1) ?? "model";
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

async function aborted(...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  const some = signals.filter((signal) => signal !== undefined);
  if (some.some((signal) => signal.aborted)) return;
  await Promise.race(some.map((signal) => once(signal, "abort")));
}
