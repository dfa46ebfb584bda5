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
    const { tokens, cut, contextLength, endOfText } = await app.engine.tokens(text.value);
    if (number !== asked) return; // there is a newer text
    find("#token-count").textContent =
      cut > 0
        ? `${tokens.length} tokens, of which ${contextLength} fit: the last ${cut} before the end would be cut`
        : `${tokens.length} of ${contextLength} tokens`;
    const meter = find<HTMLMeterElement>("#token-meter");
    [meter.max, meter.value] = [contextLength, tokens.length];
    find("#token-list").replaceChildren(
      ...tokens.map((token, place) => {
        const isEnd = place === endOfText;
        const own = text.value.slice(token.start, token.end);
        // Tokens of one character stand for all of it.
        const isPart = [tokens[place - 1], tokens[place + 1]].some(
          (other) => other?.start === token.start && other.end === token.end,
        );
        const said = isEnd ? "end of text" : place === 0 ? "start of text" : isPart ? `part of ${own}` : own;
        const item = make(
          "li",
          { title: isEnd ? "the embedding is taken here" : token.cut ? "would be cut" : "" },
          make("span", { className: "text" }, said),
          make("code", { className: "piece" }, token.piece.replace("</w>", "·")),
          make("span", { className: "id" }, String(token.id)),
        );
        item.classList.toggle("special", isEnd || place === 0 || isPart);
        item.classList.toggle("end", isEnd);
        item.classList.toggle("cut", token.cut);
        return item;
      }),
    );
  };
  const update = (): void => void show().catch(fail);
  text.addEventListener("input", update);
  app.onModel(update);
}
