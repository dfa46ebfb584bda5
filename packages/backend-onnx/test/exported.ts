/** Exports as tests want them: in memory, or in a directory that is gone after the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { syntheticWeights } from "@textower/conformance";
import type { Golden } from "@textower/conformance";
import { buildTextEncoder } from "@textower/model";
import { onTestFinished } from "vitest";
import { exportTextModel } from "../src/index.js";
import type { ExportedFile, ExportOptions, OnnxExport } from "../src/index.js";

/** A golden tower as a text model. */
export function exportGolden({ descriptor, spec }: Golden, options?: ExportOptions): OnnxExport {
  const pooling = { rule: "argmax", endOfText: descriptor.vocabSize - 1 } as const;
  const text = { ...descriptor, pooling };
  return exportTextModel(buildTextEncoder(descriptor), syntheticWeights(spec), text, options);
}

/** The bytes of a file, whose length is checked. */
export async function bytesOf({ name, byteLength, pieces }: ExportedFile): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces()) parts.push(piece);
  const bytes = Buffer.concat(parts);
  if (bytes.length !== byteLength) throw new Error(`${name}: ${byteLength} announced, ${bytes.length} came`);
  return bytes;
}

/** A directory that is gone after the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "textower-onnx-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes an export. @returns the model's path */
export async function writeExport({ files }: OnnxExport, directory = scratch()): Promise<string> {
  for (const file of files) await writeFile(join(directory, file.name), file.pieces());
  return join(directory, files[0]!.name);
}

/** Prompts as a padded batch. int64 [prompts, longest] */
export function paddedIds(
  prompts: readonly (readonly number[])[],
  padId: number,
): { data: BigInt64Array; dims: [number, number] } {
  const longest = Math.max(...prompts.map(({ length }) => length));
  const data = new BigInt64Array(prompts.length * longest).fill(BigInt(padId));
  prompts.forEach((ids, row) => data.set(ids.map(BigInt), row * longest));
  return { data, dims: [prompts.length, longest] };
}
