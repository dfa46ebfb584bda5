/**
 * Golden checkpoints, and the formula their weights follow from: what a tensor must hold is computed here from its
 * name, never taken from a reader. The files and `weights-spec.json` were written by OpenAI's Python code.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { numberToFloat16 } from "@textower/graph";
import type { Tensor } from "@textower/graph";
import { expect } from "vitest";
import { bufferSource } from "../src/index.js";
import type { ByteSource, Checkpoint, SafetensorsDtype, StoredTensor } from "../src/index.js";

export type GoldenFile = "micro.openai" | "micro.hf" | "micro.hf.bf16";

export const goldenPath = (name: string): string =>
  fileURLToPath(new URL(`./golden/${name}`, import.meta.url));

/** A fresh copy of a golden checkpoint. */
export const golden = (name: GoldenFile): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(goldenPath(`${name}.safetensors`)));

interface Spec {
  readonly configs: Record<
    string,
    {
      readonly layers: number;
      readonly tensors: Record<string, { shape: number[]; mean: number; halfRange: number }>;
    }
  >;
}
const spec = JSON.parse(readFileSync(goldenPath("weights-spec.json"), "utf8")) as Spec;

/** Element by element: golden/README, "Synthetic weights". */
function generate(name: string, count: number, mean: number, halfRange: number): Float32Array<ArrayBuffer> {
  let seed = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 0x01000193) >>> 0;
  return Float32Array.from({ length: count }, (_, i) => {
    let h = (seed + Math.imul(i, 0x9e3779b1)) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    return mean + (2 * ((h >>> 0) / 4294967296) - 1) * halfRange;
  });
}

/** A tensor as the checkpoint is to give it: [out, in] for the projection. */
export interface Expected {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

/** Canonical name → what it holds, exact, for every text tensor of a config. */
export function expectedTensors(config: string): Map<string, Expected> {
  const { layers, tensors } = spec.configs[config]!;
  const expected = new Map<string, Expected>();
  for (const [pattern, { shape, mean, halfRange }] of Object.entries(tensors)) {
    const count = shape.reduce((a, b) => a * b, 1);
    const names = pattern.includes("*")
      ? Array.from({ length: layers }, (_, layer) => pattern.replace("*", String(layer)))
      : [pattern];
    for (const name of names) {
      const values = generate(name, count, mean, halfRange);
      if (name !== "text_projection") expected.set(name, { shape, values });
      else {
        const [inputs, outputs] = shape as [number, number];
        expected.set("text_projection.weight", {
          shape: [outputs, inputs],
          values: values.map((_, i) => values[(i % inputs) * outputs + Math.floor(i / inputs)]!),
        });
      }
    }
  }
  return expected;
}

const floatView = new Float32Array(1);
const bitsView = new Uint32Array(floatView.buffer);

/** Bits of a float32 rounded to bfloat16, ties to even. */
export function bfloat16(value: number): number {
  floatView[0] = value;
  const bits = bitsView[0]!;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Raw elements of an exact tensor in a stored dtype. */
export function stored(values: Float32Array, dtype: string): Float32Array | Uint16Array {
  if (dtype === "float32") return values;
  return Uint16Array.from(values, dtype === "float16" ? numberToFloat16 : bfloat16);
}

/** Bit by bit: typed arrays are compared as bytes, so that -0, NaN and the last digit count. */
export function expectSame(name: string, got: Tensor, expected: Expected): void {
  const want = stored(expected.values, got.dtype);
  expect([name, got.shape]).toEqual([name, [...expected.shape]]);
  const same = Buffer.from(bytesOf(got.data)).equals(bytesOf(want));
  expect([name, same]).toEqual([name, true]);
}

const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Every tensor of an open checkpoint against the formula. */
export async function expectMicro(checkpoint: Checkpoint, dtype = "float32"): Promise<void> {
  const expected = expectedTensors("micro");
  expect([...checkpoint.tensors.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, want] of expected) {
    const tensor = await checkpoint.read(name);
    expect(tensor.dtype).toBe(dtype);
    expectSame(name, tensor, want);
  }
}

/** All tensors of a file by plain `JSON.parse`, not by the reader under test. */
export function tensorsOf(file: Uint8Array<ArrayBuffer>): Map<string, StoredTensor> {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Record<
    string,
    { dtype: SafetensorsDtype; shape: number[]; data_offsets: [number, number] }
  >;
  delete header["__metadata__"];
  return new Map(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => [name, { dtype, shape, data: file.subarray(8 + length + begin, 8 + length + end) }],
    ),
  );
}

/** The same tensors under other names; undefined drops one. */
export function renamed(
  tensors: ReadonlyMap<string, StoredTensor>,
  rename: (name: string) => string | undefined,
): Map<string, StoredTensor> {
  const result = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    const other = rename(name);
    if (other !== undefined) result.set(other, tensor);
  }
  return result;
}

const TEXT = /^(text_projection|positional_embedding|token_embedding|transformer|ln_final)/;

/** OpenAI's names → OpenCLIP's `CustomTextCLIP`, as open_clip `convert.py` does it. */
export const toCustomText = (name: string): string => (TEXT.test(name) ? `text.${name}` : name);

/** Hugging Face's names → those of a text tower alone without prefix. */
export const toFlat = (name: string): string | undefined =>
  name.startsWith("text_model.")
    ? name.slice("text_model.".length)
    : name === "text_projection.weight"
      ? name
      : undefined;

/** A source that remembers what was read of it. */
export function countingSource(bytes: Uint8Array<ArrayBuffer>): ByteSource & {
  reads: [offset: number, length: number][];
  largest: () => number;
  bytesRead: () => number;
} {
  const inner = bufferSource(bytes);
  const reads: [number, number][] = [];
  return {
    ...inner,
    reads,
    largest: () => Math.max(0, ...reads.map(([, length]) => length)),
    bytesRead: () => reads.reduce((sum, [, length]) => sum + length, 0),
    read(offset, into, signal) {
      reads.push([offset, into.length]);
      return inner.read(offset, into, signal);
    },
  };
}

/** A small file: header as text, data as bytes. */
export function rawFile(header: string, data: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + json.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  file.set(data, 8 + json.length);
  return file;
}
