/**
 * Prompts of a zero-shot head: every class in every template, class by class, as the original builds them. Lists of our
 * own, in the manner of the well-known 80 templates.
 */

const CLASSES: readonly string[] =
  "goldfish,great horned owl,tree frog,Komodo dragon,garden spider,hermit crab,border collie,red fox,ladybird,zebra,accordion,backpack,barber shop,bell tower,bookcase,canoe,espresso machine,fire engine,grand piano,lawn mower,paper towel,sewing machine,submarine,wine bottle,mountain lake".split(
    ",",
  );

/** What a picture may be of a thing, each with "a" and "the" … */
const VIEWS = [
  "a photo of {}.",
  "a bad photo of {}.",
  "a good photo of {}.",
  "a blurry photo of {}.",
  "a dark photo of {}.",
  "a bright photo of {}.",
  "a cropped photo of {}.",
  "a grainy photo of {}.",
  "a close-up photo of {}.",
  "a wide shot of {}.",
  "a low resolution photo of {}.",
  "a black and white photo of {}.",
  "a photo of {} from above.",
  "a photo of {} at night.",
  "a photo of {} in the snow.",
  "a drawing of {}.",
  "a painting of {}.",
  "a watercolour of {}.",
  "a pencil sketch of {}.",
  "a sculpture of {}.",
  "a mosaic of {}.",
  "a tattoo of {}.",
  "a rendering of {}.",
  "a model of {}.",
  "graffiti of {}.",
  "art of {}.",
  "an engraving of {}.",
  "{} in a video game.",
  "{} on a postage stamp.",
  "{} in a museum.",
  "a scan of {}.",
  "a poster of {}.",
];

/** … and these as they are: 2 × 32 + 16 = 80. */
const OTHERS = [
  "a photo of many {}.",
  "a photo of my {}.",
  "a photo of one {}.",
  "a photo of a clean {}.",
  "a photo of a dirty {}.",
  "a photo of a large {}.",
  "a photo of a small {}.",
  "a photo of an old {}.",
  "a photo of a strange {}.",
  "a photo of the hard to see {}.",
  "a plastic {}.",
  "a wooden {}.",
  "an origami {}.",
  "a toy {}.",
  "a cartoon {}.",
  "a knitted {}.",
];

const TEMPLATES: readonly string[] = [
  ...["a {}", "the {}"].flatMap((thing) => VIEWS.map((view) => view.replace("{}", thing))),
  ...OTHERS,
];

/** The lists: 25 classes, 80 templates in which `{}` stands for the class. */
export const HEAD_LISTS = { classes: CLASSES, templates: TEMPLATES } as const;

/**
 * Every class in every template, class by class.
 * @param count - number of classes; of a longer list every so many-th is taken
 * @throws RangeError for more classes than there are
 */
export function headPrompts(count: number, { classes, templates } = HEAD_LISTS): string[] {
  if (!(Number.isInteger(count) && count >= 1 && count <= classes.length)) {
    throw new RangeError(`headPrompts: expected 1 to ${classes.length} classes, got ${count}`);
  }
  const step = Math.floor(classes.length / count);
  const chosen = Array.from({ length: count }, (_, i) => classes[i * step]!);
  return chosen.flatMap((name) => templates.map((template) => template.replaceAll("{}", name)));
}
