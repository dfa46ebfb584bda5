/** Zero-shot classification of one picture: classes in templates, averaged, as bars of probabilities. */
import { ZeroShotHead } from "@textower/zero-shot";
import { LatestEncoding } from "../app.js";
import type { App } from "../app.js";
import { barItem, fail, find, linesOf, make, whenQuiet } from "../dom.js";
import type { Pictures } from "../pictures.js";
import { groupMeans } from "../vectors.js";

/** Classes times templates beyond this would take long on slow machines. */
const MOST_PROMPTS = 2000;

/** See the file's head. */
export class ClassifyPanel {
  readonly #app: App;
  #pictures: Pictures;
  #picture = 0;
  readonly #classes = find<HTMLTextAreaElement>("#classes");
  readonly #templates = find<HTMLTextAreaElement>("#templates");
  readonly #latest: LatestEncoding;

  constructor(app: App, pictures: Pictures) {
    this.#app = app;
    this.#pictures = pictures;
    this.#latest = new LatestEncoding(
      app,
      (prompts, { vectors, rows, milliseconds }) => {
        this.#draw(prompts.length, vectors);
        find("#classify-status").textContent =
          `${prompts.length} prompts, ${rows} new rows, ${milliseconds.toFixed(0)} ms`;
      },
      fail,
    );
    const ask = whenQuiet(() => this.ask());
    this.#classes.addEventListener("input", ask);
    this.#templates.addEventListener("input", ask);
    find("#next-picture").addEventListener("click", () => {
      this.#picture = (this.#picture + 7) % this.#pictures.entries.length;
      this.#showPicture();
      this.ask();
    });
    app.onModel(() => this.ask());
    this.#showPicture();
  }

  show(pictures: Pictures): void {
    this.#pictures = pictures;
    this.#picture = 0;
    this.#showPicture();
    this.ask();
  }

  ask(): void {
    const { model } = this.#app;
    if (model === undefined) return;
    if (model.embedDim !== this.#pictures.vectors.width) {
      find("#bars").replaceChildren();
      find("#classify-status").textContent =
        `The pictures are of another model: their vectors have ${this.#pictures.vectors.width} numbers, ` +
        `those of ${model.name} ${model.embedDim}.`;
      return;
    }
    const templates = linesOf(this.#templates.value);
    const prompts = linesOf(this.#classes.value).flatMap((name) =>
      templates.map((template) => template.replaceAll("{}", name)),
    );
    if (prompts.length > MOST_PROMPTS) {
      find("#classify-status").textContent =
        `${prompts.length} prompts are more than the ${MOST_PROMPTS} of this page.`;
    } else if (prompts.length > 0) this.#latest.ask(prompts);
  }

  #showPicture(): void {
    const { name, address } = this.#pictures.entries[this.#picture]!;
    find("#picture").replaceChildren(
      ...(address === "" ? [] : [make("img", { src: address, alt: "", width: 128, height: 128 })]),
      make("figcaption", {}, name),
    );
  }

  #draw(count: number, data: Float32Array): void {
    const names = linesOf(this.#classes.value);
    const { vectors } = this.#pictures;
    if (names.length === 0 || count % names.length !== 0) return; // edited meanwhile
    const { width } = vectors;
    const { name, temperature } = this.#app.model!;
    const head = new ZeroShotHead({
      checkpoint: name,
      classes: names,
      templates: linesOf(this.#templates.value),
      logitScale: Math.log(temperature),
      embedDim: width,
      weights: groupMeans({ data, count, width }, count / names.length).data,
    });
    const picture = vectors.data.subarray(this.#picture * width, (this.#picture + 1) * width);
    const [predictions] = head.classify([picture], { topK: names.length });
    find("#bars").replaceChildren(
      ...predictions!.map(({ label, probability }) =>
        barItem(label, probability, `${(probability * 100).toFixed(1)} %`),
      ),
    );
  }
}
