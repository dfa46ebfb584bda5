/** Search as you type: the gallery, ranked anew at every key. */
import { LatestEncoding } from "../app.js";
import type { App } from "../app.js";
import { fail, find, make } from "../dom.js";
import type { Pictures } from "../pictures.js";
import { dot } from "../vectors.js";

/** Pictures that are shown. */
const SHOWN = 24;
/** What one could ask the shapes for. */
const IDEAS = [
  "a purple ring",
  "two green triangles",
  "a heart on a black background",
  "something white",
  "a tiny arrow",
];

/** See the file's head. */
export class SearchPanel {
  readonly #app: App;
  readonly #query = find<HTMLInputElement>("#query");
  readonly #status = find("#search-status");
  readonly #gallery = find("#gallery");
  #pictures: Pictures;
  /** Made when they are first shown. */
  #items: (HTMLLIElement | undefined)[] = [];
  readonly #latest: LatestEncoding;

  constructor(app: App, pictures: Pictures) {
    this.#app = app;
    this.#pictures = pictures;
    this.#latest = new LatestEncoding(
      app,
      ([query], { vectors, rows, milliseconds }) => {
        this.#rank(vectors);
        const { entries, title } = this.#pictures;
        this.#status.textContent =
          `“${query}” in ${entries.length} pictures of ${title}: ` +
          `${rows === 1 ? "1 new row" : `${rows} new rows`}, ${milliseconds.toFixed(1)} ms`;
      },
      fail,
    );
    this.#query.addEventListener("input", () => this.ask());
    find("#ideas").append(
      ...IDEAS.map((idea) => {
        const button = make("button", { type: "button", className: "chip" }, idea);
        button.addEventListener("click", () => {
          this.#query.value = idea;
          this.ask();
        });
        return button;
      }),
    );
    app.onModel(() => this.ask());
  }

  /** Searches other pictures. */
  show(pictures: Pictures): void {
    this.#pictures = pictures;
    this.#items = [];
    this.#gallery.replaceChildren();
    this.ask();
  }

  /** When there is an answer to what stands in the field. */
  async first(): Promise<void> {
    if (!this.#latest.isBusy) this.ask();
    await this.#latest.idle();
  }

  ask(): void {
    const { model } = this.#app;
    if (model === undefined) return;
    if (model.embedDim !== this.#pictures.vectors.width) {
      this.#gallery.replaceChildren();
      this.#status.textContent =
        `${model.name} makes vectors of ${model.embedDim} numbers, those of ${this.#pictures.title} have ` +
        `${this.#pictures.vectors.width}: bring pictures of this model (under Pictures), or load the model of these.`;
      return;
    }
    this.#latest.ask([this.#query.value]);
  }

  #rank(query: Float32Array): void {
    const { vectors, entries } = this.#pictures;
    const text = { data: query, count: 1, width: vectors.width };
    const scores = entries.map((_, i) => dot(text, 0, vectors, i));
    const best = scores
      .map((_, i) => i)
      .sort((a, b) => scores[b]! - scores[a]!)
      .slice(0, SHOWN);
    this.#gallery.replaceChildren(
      ...best.map((i) => {
        const item = (this.#items[i] ??= this.#makeItem(i));
        item.lastElementChild!.textContent = scores[i]!.toFixed(3);
        item.style.setProperty("--score", `${Math.max(0, Math.round(scores[i]! * 100))}%`);
        return item;
      }),
    );
  }

  #makeItem(i: number): HTMLLIElement {
    const { name, address } = this.#pictures.entries[i]!;
    const picture =
      address === ""
        ? make("span", { className: "nameless" }, name)
        : make("img", { src: address, alt: name, title: name, width: 128, height: 128 });
    return make("li", {}, picture, make("span", { className: "score" }));
  }
}
