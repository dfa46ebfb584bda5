/** An engine as a user would write it, with nothing but what the package exports: a list and a loop. The cases of all engines. */
import { matches } from "../src/index.js";
import type { EntryBatch, Hit, IndexLayout, Metadata, QueryBatch, SearchEngine } from "../src/index.js";
import { engineCases } from "./engine-cases.js";

interface Kept {
  readonly vector: Float32Array;
  readonly metadata: Metadata;
}

function listEngine(): SearchEngine {
  return {
    name: "list",
    open: ({ dimension }: IndexLayout) => {
      const kept = new Map<string, Kept>();
      const rowOf = (vectors: Float32Array, row: number): Float32Array =>
        vectors.slice(row * dimension, (row + 1) * dimension);
      const add = async ({ ids, vectors, metadata }: EntryBatch): Promise<void> => {
        ids.forEach((id, i) => kept.set(id, { vector: rowOf(vectors, i), metadata: metadata[i]! }));
      };
      const search = async ({ count, vectors, topK, filter }: QueryBatch): Promise<Hit[][]> =>
        Array.from({ length: count }, (_, query) => {
          const hits = [...kept].flatMap(([id, { vector, metadata }]): Hit[] => {
            if (!matches(metadata, filter)) return [];
            const similarity = rowOf(vectors, query).reduce((sum, value, i) => sum + value * vector[i]!, 0);
            return [{ id, similarity, metadata }];
          });
          return hits.sort((a, b) => b.similarity - a.similarity).slice(0, topK);
        });
      return Promise.resolve({
        add,
        search,
        remove: async (ids) => ids.filter((id) => kept.delete(id)).length,
        count: async () => kept.size,
        entries: async function* () {
          for (const [id, { vector, metadata }] of kept)
            yield { ids: [id], vectors: vector, metadata: [metadata] };
        },
        close: async () => kept.clear(),
      });
    },
  };
}

engineCases("an engine of one's own", { fresh: listEngine });
