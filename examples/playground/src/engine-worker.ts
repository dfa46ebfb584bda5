/**
 * The worker: holds the encoder, so that the page never computes. Not `textower/worker`, which hands out vectors and
 * keeps the tokenizer to itself: two of the panels show what the tokenizer and the planner make of a text.
 */
import { packRows } from "@textower/model";
import { tokenView } from "@textower/prompts";
import type { TokenView } from "@textower/prompts";
import { expose, transfer } from "comlink";
import { createTextEncoder } from "textower";
import type { ClipTextEncoder } from "textower";
import { makeBackend } from "./backends.js";
import type { Encoding, Engine, ModelChoice, ModelInfo, OnProgress, Trie } from "./protocol.js";

/** Keys and values of earlier prompts that are kept: typing on costs one word. */
const PREFIX_CACHE_BYTES = 32 * 2 ** 20;
/** What OpenAI's models were trained with, for checkpoints that do not say: ln 100. */
const USUAL_LOGIT_SCALE = Math.log(100);

let encoder: ClipTextEncoder | undefined;
let loading: AbortController | undefined;
/** Answers that are being made. */
const working = new Set<Promise<unknown>>();

/** Where the first model lies: asked for before there is anybody to ask for the model. */
void import("@textower/model-shapes/checkpoint");

function current(): ClipTextEncoder {
  if (encoder === undefined) throw new Error("There is no model yet.");
  return encoder;
}

async function load(choice: ModelChoice, onProgress: OnProgress): Promise<ModelInfo> {
  const { model, files, activation, backend, precision, threads, hub, offline } = choice;
  loading = new AbortController();
  // How much will come is not known beforehand; how many tensors there are is.
  let share: number | undefined;
  let fetched = "";
  const next = await createTextEncoder({
    model: files.length === 0 ? model : files.length === 1 ? files[0]! : files,
    backend: await makeBackend(backend, threads),
    precision,
    prefixCache: PREFIX_CACHE_BYTES,
    signal: loading.signal,
    ...(activation !== undefined && { activation }),
    hub: {
      ...(hub !== undefined && { endpoint: hub }),
      ...(offline && { offline }),
      onProgress: ({ overall, rate }) => {
        fetched = `, ${megabytes(overall.bytes)} MB from the Hub at ${megabytes(rate)} MB/s`;
        onProgress(`Fetching${fetched}`, share);
      },
    },
    onProgress: ({ loaded, total }) => {
      share = loaded / total;
      onProgress(`${loaded} of ${total} tensors${fetched}`, share);
    },
  });
  const previous = encoder;
  encoder = next;
  await Promise.allSettled(working); // those of the model before
  await previous?.dispose();
  const { info, logitScale = USUAL_LOGIT_SCALE } = next;
  return {
    name: files.length === 0 ? model : files.map(({ name }) => name).join(", "),
    backend: info.backend,
    device: info.device,
    precision: info.precision,
    threads: info.threads,
    notes: info.notes,
    embedDim: info.embedDim,
    contextLength: info.descriptor.contextLength,
    temperature: Math.exp(logitScale),
  };
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

function stop(): void {
  loading?.abort();
}

async function encode(prompts: readonly string[]): Promise<Encoding> {
  const begin = performance.now();
  const answer = current().encode(prompts, { longText: "truncate" });
  working.add(answer);
  const { data, rows } = await answer.finally(() => working.delete(answer));
  const encoding = { vectors: data, rows, milliseconds: performance.now() - begin };
  return transfer(encoding, [data.buffer]);
}

async function tokens(text: string): Promise<TokenView> {
  return tokenView(current().tokenizer, text);
}

async function trie(prompts: readonly string[]): Promise<Trie> {
  const { tokenizer } = current();
  const sequences = tokenizer.encodeBatch([...prompts], { truncate: true });
  const { ids, parents, pooled } = packRows(sequences);
  return {
    pieces: tokenizer.pieces(ids),
    parents: [...parents!],
    pooled: [...pooled],
    tokens: sequences.reduce((sum, each) => sum + each.ids.length, 0),
  };
}

expose({ load, stop, encode, tokens, trie } satisfies Engine);
