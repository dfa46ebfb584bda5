/** The worker: holds the encoder, so that the page never computes. */
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

function current(): ClipTextEncoder {
  if (encoder === undefined) throw new Error("There is no model yet.");
  return encoder;
}

async function load(choice: ModelChoice, onProgress: OnProgress): Promise<ModelInfo> {
  const { model, files, activation, backend, precision, threads } = choice;
  const next = await createTextEncoder({
    model: files.length === 0 ? model : files.length === 1 ? files[0]! : files,
    backend: await makeBackend(backend, threads),
    precision,
    prefixCache: PREFIX_CACHE_BYTES,
    ...(activation !== undefined && { activation }),
    hub: {
      onProgress: ({ overall, rate }) =>
        onProgress(`fetching, ${(rate / 1e6).toFixed(1)} MB/s`, overall.bytes / overall.total),
    },
    onProgress: ({ loaded, total }) => onProgress("taking over weights", loaded / total),
  });
  await encoder?.dispose();
  encoder = next;
  const { info, logitScale = USUAL_LOGIT_SCALE } = next;
  return {
    name: files.length === 0 ? model : files.map(({ name }) => name).join(", "),
    backend: info.backend,
    device: info.device,
    precision: info.precision,
    threads: info.threads,
    notes: info.notes,
    embedDim: info.embedDim,
    temperature: Math.exp(logitScale),
  };
}

async function encode(prompts: readonly string[]): Promise<Encoding> {
  const begin = performance.now();
  const { data, rows } = await current().encode(prompts, { longText: "truncate" });
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

expose({ load, encode, tokens, trie } satisfies Engine);
