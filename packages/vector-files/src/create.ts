/** Makes the writer of a format. That of Parquet is loaded when it is asked for. */
import { VectorFileError } from "./errors.js";
import { jsonlWriter } from "./jsonl/write.js";
import { npyWriter } from "./npy/write.js";
import { safetensorsWriter } from "./safetensors.js";
import { VECTOR_FORMATS } from "./vector-file.js";
import type { VectorFormat } from "./vector-file.js";
import type { ByteSink, VectorWriter, WriterOptions } from "./vector-writer.js";

/**
 * Begins a file of float32 vectors. The same vectors give the same bytes, however they are cut into batches.
 *
 * npy and safetensors hold the number of vectors in their header: it is written last if `count` is not given, and the
 * sink has to have `overwriteStart` then. They have no place for ids and metadata, which are left out.
 *
 * Rejects with VectorFileError `unknown-format` or `bad-batch` (a column twice).
 * @example
 * const writer = await createVectorWriter("npy", sink, { dimension: 512, count: 1000 });
 * await writer.write({ count: 1000, dimension: 512, data });
 * await writer.finish();
 */
export async function createVectorWriter(
  format: VectorFormat,
  sink: ByteSink,
  options: WriterOptions,
): Promise<VectorWriter> {
  switch (format) {
    case "npy":
      return npyWriter(sink, options);
    case "safetensors":
      return safetensorsWriter(sink, options);
    case "jsonl":
      return jsonlWriter(sink, options);
    case "parquet": {
      const { parquetWriter } = await import("./parquet/write.js");
      return parquetWriter(sink, options);
    }
    default: {
      const message = `createVectorWriter: expected ${VECTOR_FORMATS.join(", ")}, got ${String(format satisfies never)}`;
      throw new VectorFileError("unknown-format", message);
    }
  }
}

/** The format that a file's name stands for; undefined for other names. */
export function vectorFormatOf(path: string): VectorFormat | undefined {
  return VECTOR_FORMATS.find((format) => path.toLowerCase().endsWith(`.${format}`));
}
