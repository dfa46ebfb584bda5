/**
 * Text search over captions: two hundred of them become vectors, and the nearest to a query are printed. Another background
 * as the second argument leaves out all others.
 *
 *   node search.mjs "a small blue star" [white|black|gray|beige|teal]
 */
import { readFile } from "node:fs/promises";
import { shapesModel } from "@textower/model-shapes";
import { checkpointName, openEmbeddingIndex } from "@textower/search";
import { createTextEncoder } from "textower";

const [query = "a small blue star", background] = process.argv.slice(2);

const encoder = await createTextEncoder({ model: "shapes" });
const index = await openEmbeddingIndex({
  dimension: encoder.info.embedDim,
  checkpoint: checkpointName(encoder),
});

const pictures = JSON.parse(await readFile(shapesModel.gallery, "utf8"));
const { embeddings } = await encoder.encode(pictures.map(({ caption }) => caption));
await index.add(
  pictures.map(({ file, caption, background }, i) => ({
    id: file,
    vector: embeddings[i],
    metadata: { caption, background },
  })),
);
console.log(`${await index.count()} captions`);

const filter = background === undefined ? {} : { background };
const [hits] = await index.searchText(encoder, [query], { topK: 5, filter });
for (const { id, similarity, metadata } of hits) console.log(similarity.toFixed(3), id, metadata.caption);

await index.close();
await encoder.dispose();
