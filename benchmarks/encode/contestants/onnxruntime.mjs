/**
 * What onnxruntime-node and onnxruntime-web have in common: prompts as padded batches, made ahead of the measured
 * time, and one `session.run` for each.
 */

/** Fills up a prompt; it lies behind the end of text, where nothing that is pooled can see it. */
const PAD = 0;

/** Options that every session of a peer has; "all" is ONNX Runtime's full graph optimisation. */
export const sessionOptions = { graphOptimizationLevel: "all", executionMode: "sequential" };

/**
 * @param ort - the runtime's module
 * @param session - the peers' model, open
 * @param about - `runtime`, `threads` and `notes`
 */
export function padded(ort, session, about) {
  return {
    ...about,
    /** @param rows - "longest" prompt of each batch, or a number. @returns ids as int64 [batch, sequence] */
    prepare(prompts, { batch, rows }) {
      const batches = [];
      for (let begin = 0; begin < prompts.length; begin += batch) {
        const part = prompts.slice(begin, begin + batch);
        const width = rows === "longest" ? Math.max(...part.map(({ ids }) => ids.length)) : rows;
        const data = new BigInt64Array(part.length * width).fill(BigInt(PAD)); // [batch, sequence]
        part.forEach(({ ids }, prompt) => data.set(BigInt64Array.from(ids, BigInt), prompt * width));
        batches.push({ data, dims: [part.length, width] });
      }
      return { batches, rows: batches.reduce((sum, { dims }) => sum + dims[0] * dims[1], 0) };
    },
    async run({ batches }) {
      const vectors = [];
      for (const { data, dims } of batches) {
        const feeds = { input_ids: new ort.Tensor("int64", data, dims) };
        const { text_embeds: embeddings } = await session.run(feeds); // [batch, embedDim]
        vectors.push(...split(embeddings.data, dims[0]));
      }
      return vectors;
    },
    dispose: () => session.release(),
  };
}

/** The rows of a matrix, as views. @returns [rows][columns] */
export function split(data, rows) {
  const columns = data.length / rows;
  return Array.from({ length: rows }, (_, row) => data.subarray(row * columns, (row + 1) * columns));
}
