/** A text as tokens: pieces, ids, the end of text, and what would be cut. */
import type { App } from "../app.js";
import { fail, find, make } from "../dom.js";

/** Wires the panel up. */
export function tokensPanel(app: App): void {
  const text = find<HTMLTextAreaElement>("#token-text");
  let asked = 0;
  const show = async (): Promise<void> => {
    if (app.model === undefined) return;
    const number = ++asked;
    const { ids, pieces, texts, endOfText, contextLength } = await app.engine.tokens(text.value);
    if (number !== asked) return; // there is a newer text
    const excess = ids.length - contextLength;
    find("#token-count").textContent =
      excess > 0
        ? `${ids.length} tokens, of which ${contextLength} fit: the last ${excess} before the end would be cut`
        : `${ids.length} of ${contextLength} tokens`;
    const meter = find<HTMLMeterElement>("#token-meter");
    [meter.max, meter.value] = [contextLength, ids.length];
    find("#token-list").replaceChildren(
      ...ids.map((id, place) => {
        const isEnd = place === endOfText;
        const isCut = place >= contextLength - 1 && !isEnd;
        const said = isEnd ? "end of text" : place === 0 ? "start of text" : texts[place]!;
        // Half a character is nothing to show.
        const isPart = said.includes("\uFFFD");
        const item = make(
          "li",
          { title: isEnd ? "the embedding is taken here" : isCut ? "would be cut" : "" },
          make("span", { className: "text" }, isPart ? "part of a character" : said),
          make("code", { className: "piece" }, pieces[place]!.replace("</w>", "·")),
          make("span", { className: "id" }, String(id)),
        );
        item.classList.toggle("special", isEnd || place === 0 || isPart);
        item.classList.toggle("end", isEnd);
        item.classList.toggle("cut", isCut);
        return item;
      }),
    );
  };
  const update = (): void => void show().catch(fail);
  text.addEventListener("input", update);
  app.onModel(update);
}
