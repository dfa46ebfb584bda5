/** The pictures that are searched: the shapes that come with the page, or a user's own. */
import { shapesModel } from "@textower/model-shapes";
import { blobSource, openSafetensors, readTensor } from "@textower/weights";
import { toFloat32 } from "@textower/graph";
import type { GalleryEntry } from "@textower/model-shapes";
import { readNpy } from "./npy.js";
import { normalize } from "./vectors.js";
import type { Vectors } from "./vectors.js";

/** One picture. */
export interface Picture {
  readonly name: string;
  /** Empty if there is none to show. */
  readonly address: string;
}

/** Pictures and their vectors, of length 1, in the same order. */
export interface Pictures {
  readonly title: string;
  readonly entries: readonly Picture[];
  readonly vectors: Vectors;
}

/** The gallery of the shapes model. */
export async function shapes(): Promise<Pictures> {
  const [gallery, bytes] = await Promise.all([
    fetch(shapesModel.gallery).then((answer) => answer.json() as Promise<readonly GalleryEntry[]>),
    fetch(shapesModel.galleryEmbeddings).then((answer) => answer.blob()),
  ]);
  const entries = gallery.map(({ file, caption }) => ({
    name: caption,
    address: shapesModel.galleryImage(file).href,
  }));
  return {
    title: "the shapes",
    entries,
    vectors: await readVectors(new File([bytes], "gallery.safetensors")),
  };
}

/**
 * A file of vectors, one row a picture, and thumbnails in the order of their names.
 * Rejects for a file that holds none, or another number of pictures than there are thumbnails.
 */
export async function ownPictures(file: File, thumbnails: readonly File[]): Promise<Pictures> {
  const vectors = await readVectors(file);
  const { count } = vectors;
  if (thumbnails.length > 0 && thumbnails.length !== count) {
    throw new RangeError(`${file.name} has ${count} rows, and there are ${thumbnails.length} thumbnails.`);
  }
  // As Python's `sorted` has them, whose order the rows are most likely in: 10.jpg comes before 2.jpg.
  const sorted = thumbnails.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const entries = Array.from({ length: count }, (_, i) => {
    const thumbnail = sorted[i];
    return thumbnail === undefined
      ? { name: `row ${i}`, address: "" }
      : { name: thumbnail.name, address: URL.createObjectURL(thumbnail) };
  });
  return { title: file.name, entries, vectors };
}

async function readVectors(file: File): Promise<Vectors> {
  const vectors = file.name.endsWith(".npy")
    ? readNpy(await file.arrayBuffer(), file.name)
    : await readMatrix(file);
  normalize(vectors);
  return vectors;
}

/** The only matrix in a safetensors file. */
async function readMatrix(file: File): Promise<Vectors> {
  const tensors = await openSafetensors(blobSource(file));
  try {
    const matrices = [...tensors.entries].filter(([, { shape }]) => shape.length === 2);
    if (matrices.length !== 1) {
      throw new RangeError(`${file.name}: one matrix is needed, there are ${matrices.length}.`);
    }
    const [name, { shape }] = matrices[0]!;
    const data = toFloat32(await readTensor(tensors, name));
    return { data: Float32Array.from(data), count: shape[0]!, width: shape[1]! };
  } finally {
    await tensors.close();
  }
}
