/**
 * A LangChain retriever over pictures: a store holds the embeddings of the gallery's pictures, made elsewhere, and is
 * asked in words.
 *
 *   node retrieve.mjs "a small blue star"
 */
import { readFile } from "node:fs/promises";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { TextowerEmbeddings } from "@textower/langchain";
import { shapesModel } from "@textower/model-shapes";
import { fileSource, openTensorFile, readTensor } from "@textower/weights";
import { createTextEncoder } from "textower";

const query = process.argv[2] ?? "a small blue star";

const pictures = JSON.parse(await readFile(shapesModel.gallery, "utf8"));
const file = await openTensorFile(await fileSource(shapesModel.galleryEmbeddings));
const { data, shape } = await readTensor(file, "image_embeddings"); // [pictures, embedDim]
await file.close();
const vectors = pictures.map((_, i) => Array.from(data.subarray(i * shape[1], (i + 1) * shape[1])));

const encoder = await createTextEncoder({ model: "shapes" });
const store = new MemoryVectorStore(new TextowerEmbeddings({ encoder }));
await store.addVectors(
  vectors,
  pictures.map(({ caption, file }) => ({ pageContent: caption, metadata: { file } })),
);

const documents = await store.asRetriever(5).invoke(query);
for (const { metadata, pageContent } of documents) console.log(metadata.file, pageContent);
await encoder.dispose();
