/** The gallery of the shapes model: captions, ready-made embeddings, pictures. Not here: sheets of pictures. */
import { readFile } from "node:fs/promises";
import { similarity } from "textower";
import { toFloat32 } from "@textower/graph";
import { shapesModel } from "@textower/model-shapes";
import type { GalleryEntry } from "@textower/model-shapes";
import { fileSource, openTensorFile, readTensor } from "@textower/weights";

/** A picture that a query found. */
export interface Hit {
  /** From 1. */
  readonly rank: number;
  /** Cosine similarity. */
  readonly score: number;
  readonly entry: GalleryEntry;
}

/** See the file's head. */
export interface Gallery {
  readonly size: number;
  /** The `count` pictures nearest to an embedding of the shapes model, best first; equal scores in the gallery's order. */
  nearest(embedding: Float32Array, count: number): Hit[];
}

/** Reads captions and embeddings; no pictures. Rejects with what reading rejects with. */
export async function openGallery(): Promise<Gallery> {
  const entries = JSON.parse(await readFile(shapesModel.gallery, "utf8")) as GalleryEntry[];
  const file = await openTensorFile(await fileSource(shapesModel.galleryEmbeddings));
  let vectors: Float32Array[];
  try {
    const stored = await readTensor(file, "image_embeddings");
    const width = stored.shape[1]!;
    const data = toFloat32(stored); // [pictures, embed]
    vectors = entries.map((_, i) => data.subarray(i * width, (i + 1) * width));
  } finally {
    await file.close();
  }
  return {
    size: entries.length,
    nearest(embedding, count) {
      const [scores] = similarity([embedding], vectors);
      return entries
        .map((entry, i) => ({ entry, score: scores![i]! }))
        .toSorted((a, b) => b.score - a.score)
        .slice(0, count)
        .map((hit, i) => ({ ...hit, rank: i + 1 }));
    },
  };
}

/** The PNG file of a picture. */
export function readPicture(entry: GalleryEntry): Promise<Buffer> {
  return readFile(shapesModel.galleryImage(entry.file));
}
