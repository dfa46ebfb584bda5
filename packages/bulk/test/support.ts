/** A directory for a test, the shapes model, and captions whose vectors PyTorch made. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTextEncoder } from "textower";
import type { ClipTextEncoder } from "textower";
import { openVectorFile } from "@textower/vector-files";
import { onTestFinished } from "vitest";

/** As the conformance suite's table has it for float32. */
export const TOLERANCE = 2e-5;

/** Made by PyTorch from the same weights; not normalised. */
export const golden = (
  JSON.parse(readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8")) as {
    captions: { text: string; embedding: number[] }[];
  }
).captions.filter(({ text }) => !/[\r\n]/.test(text) && text.trim() !== "");

/** A directory that is gone after the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "textower-bulk-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The shapes model on WASM. */
export function openShapes(): Promise<ClipTextEncoder> {
  return createTextEncoder({ model: "shapes" });
}

/** What is in a file of vectors. */
export async function readVectors(
  path: string,
): Promise<{ rows: number[][]; ids: string[]; metadata: Record<string, unknown>[] }> {
  const file = await openVectorFile(path);
  const rows: number[][] = [];
  const ids: string[] = [];
  const metadata: Record<string, unknown>[] = [];
  for await (const batch of file.batches()) {
    const { count, dimension, data } = batch;
    for (let row = 0; row < count; row++)
      rows.push([...data.subarray(row * dimension, (row + 1) * dimension)]);
    ids.push(...(batch.ids ?? []));
    metadata.push(...(batch.metadata ?? []));
  }
  await file.close();
  return { rows, ids, metadata };
}

/** Largest |difference|, relative to the largest |element| expected. */
export function relativeDifference(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} numbers for ${expected.length}`);
  const off = Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)));
  return off / Math.max(...expected.map(Math.abs));
}
