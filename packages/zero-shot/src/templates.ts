/** Prompt templates of our own, and how a template is filled. `{}` stands for the class name, once or more. */

/** One plain sentence. Least work: a row or two per class. */
export const PLAIN_TEMPLATES: readonly string[] = ["a photo of a {}."];

/** A handful of framings; most of what ensembling gains for little of its cost. */
export const PHOTO_TEMPLATES: readonly string[] = [
  "a photo of a {}.",
  "a photo of the {}.",
  "a close-up photo of a {}.",
  "a cropped photo of a {}.",
  "a photo of a small {}.",
  "a photo of a large {}.",
  "a dark photo of a {}.",
  "a bright photo of a {}.",
];

/** Photographs and other media: for pictures of every kind. */
export const MIXED_MEDIA_TEMPLATES: readonly string[] = [
  ...PHOTO_TEMPLATES,
  "a blurry photo of a {}.",
  "a black and white photo of a {}.",
  "many {} in one picture.",
  "a {} seen from far away.",
  "a drawing of a {}.",
  "a painting of a {}.",
  "a pencil sketch of a {}.",
  "a cartoon of a {}.",
  "an icon of a {}.",
  "a sculpture of a {}.",
  "a toy {}.",
  "a computer rendering of a {}.",
];

/** @throws TypeError for a template without `{}` */
export function checkTemplate(template: string): void {
  if (typeof template !== "string" || !template.includes("{}")) {
    throw new TypeError(
      `buildZeroShotHead: expected templates with {} for the class, got ${JSON.stringify(template)}`,
    );
  }
}

/** A template with a class name in it. */
export function fillTemplate(template: string, name: string): string {
  return template.split("{}").join(name);
}
