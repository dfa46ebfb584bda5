/**
 * Where the files of the shapes model lie: a tiny trained CLIP text tower, and a gallery of pictures
 * with their embeddings. Nothing is read here, and there is no image tower: the pictures'
 * embeddings are ready-made.
 */
import { shapesCheckpoint } from "./checkpoint.js";

export { shapesCheckpoint };

/** The words that a gallery entry uses for a shape. */
export type ShapeName =
  | "circle"
  | "square"
  | "triangle"
  | "star"
  | "heart"
  | "diamond"
  | "cross"
  | "ring"
  | "crescent"
  | "arrow";

/** The words that a gallery entry uses for a shape's colour. */
export type ColorName =
  | "red"
  | "orange"
  | "yellow"
  | "green"
  | "blue"
  | "purple"
  | "pink"
  | "brown"
  | "black"
  | "white";

/** Radius of a shape: about 10, 15.5 and 22.5 % of the picture's side. */
export type SizeName = "small" | "medium" | "large";

export type BackgroundName = "white" | "black" | "gray" | "beige" | "teal";

/** A cell of a 3 × 3 grid. */
export type PositionName =
  | "top left"
  | "top"
  | "top right"
  | "left"
  | "center"
  | "right"
  | "bottom left"
  | "bottom"
  | "bottom right";

/** One coloured shape. */
export interface GalleryObject {
  readonly shape: ShapeName;
  readonly color: ColorName;
  readonly size: SizeName;
}

/** One picture of the gallery and everything that is true of it. */
export interface GalleryEntry {
  /** File name, for {@link shapesModel.galleryImage}: PNG, 128 × 128. */
  readonly file: string;
  /** All facts in a sentence. */
  readonly caption: string;
  /** One object or two. */
  readonly objects: readonly GalleryObject[];
  readonly background: BackgroundName;
  /** As in `objects[0]`; null if there are two objects. */
  readonly shape: ShapeName | null;
  /** As in `objects[0]`; null if there are two objects. */
  readonly color: ColorName | null;
  /** As in `objects[0]`; null if there are two objects. */
  readonly size: SizeName | null;
  /** Where a lone object is; null if there are two. */
  readonly position: PositionName | null;
  /** How `objects[0]` stands to `objects[1]`; null if there is one object. */
  readonly relation: "left of" | "above" | null;
}

// Each URL is written out in full: bundlers find and copy only files named by a literal.

/**
 * File locations. Read them with `fetch`, or with `readFile` of `node:fs/promises`.
 *
 * @example
 * const gallery: GalleryEntry[] = await (await fetch(shapesModel.gallery)).json();
 * const picture = shapesModel.galleryImage(gallery[0].file);
 */
export const shapesModel = {
  ...shapesCheckpoint,
  /** JSON: {@link GalleryEntry}[]. */
  gallery: new URL("../data/gallery.json", import.meta.url),
  /** safetensors with one tensor, `image_embeddings`: float32 [pictures, embed], rows of unit length in the gallery's order. */
  galleryEmbeddings: new URL("../data/gallery.safetensors", import.meta.url),
  /**
   * Location of one picture.
   *
   * @param file - an entry's `file`
   */
  galleryImage(file: string): URL {
    return new URL(`../data/gallery/${file}`, import.meta.url);
  },
} as const;
