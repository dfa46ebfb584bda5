/** Files that Python's tools wrote (make-data.py), what is in them, and a sink that keeps bytes. */
import { fileURLToPath } from "node:url";
import type { ByteSink, VectorBatch, VectorFile } from "../src/index.js";

/** Rows and columns of every whole file. */
export const [ROWS, WIDTH] = [37, 5];

/** Path of a file of test/data. */
export function dataFile(name: string): string {
  return fileURLToPath(new URL(`data/${name}`, import.meta.url));
}

/** The vector of a row, as make-data.py computes it. */
export function expected(row: number): number[] {
  return Array.from({ length: WIDTH }, (_, column) => Math.sin(row * 7 + column) / 4);
}

/** All batches, and their vectors as rows. */
export async function readAll(
  file: VectorFile,
  batchSize?: number,
): Promise<{
  batches: VectorBatch[];
  rows: Float32Array[];
  ids: string[];
  metadata: Record<string, unknown>[];
}> {
  const batches: VectorBatch[] = [];
  const rows: Float32Array[] = [];
  const ids: string[] = [];
  const metadata: Record<string, unknown>[] = [];
  for await (const batch of file.batches(batchSize === undefined ? {} : { batchSize })) {
    batches.push(batch);
    const { count, dimension, data } = batch;
    for (let row = 0; row < count; row++) rows.push(data.slice(row * dimension, (row + 1) * dimension));
    ids.push(...(batch.ids ?? []));
    metadata.push(...(batch.metadata ?? []));
  }
  return { batches, rows, ids, metadata };
}

/** Opens, reads and closes, or gives what was thrown. */
export async function failureOf(opening: Promise<VectorFile>): Promise<Error | undefined> {
  let file: VectorFile | undefined;
  try {
    file = await opening;
    await readAll(file);
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    await file?.close();
  }
}

/** Keeps the bytes of a file. */
export class MemorySink implements ByteSink {
  #chunks: Uint8Array[] = [];

  async write(bytes: Uint8Array): Promise<void> {
    this.#chunks.push(bytes.slice());
  }

  async overwriteStart(bytes: Uint8Array): Promise<void> {
    const all = Buffer.from(this.bytes());
    all.set(bytes);
    this.#chunks = [all];
  }

  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#chunks));
  }
}
