/** From the prompts of one run to the inputs of the graph: packed rows, their token embeddings, what is known already. */
import { tensor } from "@textower/graph";
import type { Inputs, Tensor } from "@textower/graph";
import { packAfter, packRows, packSegments } from "@textower/model";
import type { PackedRows, TokenSequence } from "@textower/model";
import type { EncoderParts } from "./encoder.js";

/** A run that is ready to go. */
export interface PreparedRun {
  readonly inputs: Inputs;
  /** Rows that it computes. */
  readonly rows: number;
  /** Where each prompt's rows are; undefined where some of them are not computed again. */
  readonly packed: PackedRows | undefined;
  /** Keeps what later runs can use. */
  readonly remember: (outputs: Readonly<Record<string, Tensor>>) => void;
}

/** Rejects with what the checkpoint's token embedding rejects with. */
export async function prepareRun(
  sequences: readonly TokenSequence[],
  { checkpoint, prefixCache, outputs, maxRows }: EncoderParts,
  signal: AbortSignal | undefined,
): Promise<PreparedRun> {
  const { descriptor, tokenEmbedding } = checkpoint;
  const { width } = descriptor;
  const rowInputs = async (ids: Int32Array, positions: Int32Array): Promise<Inputs> => {
    const tokens = new Float32Array(ids.length * width); // [rows, width]
    await tokenEmbedding.read(ids, tokens, signal);
    return { tokens: tensor("float32", [ids.length, width], tokens), positions: indices(positions) };
  };
  if (prefixCache !== undefined) {
    const packed = packAfter(sequences, prefixCache, maxRows);
    const past = prefixCache.inputs(packed);
    const { ids, positions, parents, keyRows, pooled, pooledKeys } = packed;
    const lists = { parents, keyRows, pooled, pooledKeys };
    const inputs = { ...(await rowInputs(ids, positions)), ...past, ...allIndices(lists) };
    return {
      inputs,
      rows: ids.length,
      packed: undefined,
      remember: (results) => prefixCache.remember(packed, results),
    };
  }
  const packed = descriptor.attention === "full" ? packSegments(sequences, descriptor) : packRows(sequences);
  const { ids, positions, parents, segments, pooled } = packed;
  const lists = {
    ...(parents === undefined ? {} : { parents }),
    ...(segments === undefined ? {} : { segments }),
    ...(outputs.includes("embedding") || outputs.includes("pooled") ? { pooled } : {}),
  };
  const inputs = { ...(await rowInputs(ids, positions)), ...allIndices(lists) };
  return { inputs, rows: ids.length, packed, remember: () => undefined };
}

function allIndices(lists: Readonly<Record<string, Int32Array>>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, indices(values)]));
}

function indices(values: Int32Array): Tensor {
  return tensor("int32", [values.length], values);
}
