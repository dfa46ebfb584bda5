/** Writes JSON Lines: `{"id", …metadata, "embedding": […]}`, numbers as short decimals that become the same float32. */
import { checkedBatch } from "../vector-writer.js";
import type { ByteSink, VectorWriter, WriterOptions } from "../vector-writer.js";
import { VectorFileError } from "../errors.js";
import { shortDecimal } from "./decimal.js";

/** See `createVectorWriter`. */
export function jsonlWriter(
  sink: ByteSink,
  { dimension, count, vectors = "embedding", ids }: WriterOptions,
): VectorWriter {
  const encoder = new TextEncoder();
  let written = 0;
  return {
    async write(batch) {
      checkedBatch("jsonl", batch, dimension);
      let lines = "";
      for (let row = 0; row < batch.count; row++) {
        const vector = batch.data.subarray(row * dimension, (row + 1) * dimension);
        lines += `${JSON.stringify({
          ...(ids !== undefined && batch.ids !== undefined && { [ids]: batch.ids[row] }),
          ...batch.metadata?.[row],
          [vectors]: Array.from(vector, shortDecimal),
        })}\n`;
      }
      await sink.write(encoder.encode(lines));
      written += batch.count;
    },
    async finish() {
      if (count === undefined || count === written) return;
      throw new VectorFileError(
        "bad-batch",
        `jsonl: expected ${count} vectors, as was said at first, got ${written}`,
      );
    },
  };
}
