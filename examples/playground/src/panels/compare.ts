/** Prompts side by side: how alike they are as a heat map, and the trie of what is computed once. */
import { similarityMatrix } from "@textower/prompts";
import { LatestEncoding } from "../app.js";
import type { App } from "../app.js";
import { barItem, fail, find, linesOf, make, whenQuiet } from "../dom.js";
import { drawTrie } from "../trie.js";

/** Prompts beyond this are left out of the picture. */
const MOST = 24;

/** Wires the panel up. */
export function comparePanel(app: App): void {
  const prompts = find<HTMLTextAreaElement>("#prompts");
  const latest = new LatestEncoding(
    app,
    (texts, { vectors }) => {
      drawHeat(texts, vectors);
      void showTrie(app, texts).catch(fail);
    },
    fail,
  );
  const ask = (): void => {
    const texts = linesOf(prompts.value).slice(0, MOST);
    if (app.model !== undefined && texts.length > 0) latest.ask(texts);
  };
  prompts.addEventListener("input", whenQuiet(ask));
  app.onModel(ask);
}

function drawHeat(texts: readonly string[], data: Float32Array): void {
  const width = data.length / texts.length;
  const { values, range } = similarityMatrix(
    texts.map((_, i) => data.subarray(i * width, (i + 1) * width)),
    texts,
  );
  const least = range[0];
  const head = make(
    "tr",
    {},
    make("td", { className: "nothing" }),
    ...texts.map((text, i) => make("th", { scope: "col", title: text }, String(i + 1))),
  );
  const rows = texts.map((text, i) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, `${i + 1} ${text}`),
      ...Array.from(values.subarray(i * texts.length, (i + 1) * texts.length), (cosine) => {
        const cell = make("td", {}, cosine.toFixed(2));
        const share = least === 1 ? 1 : (cosine - least) / (1 - least);
        cell.style.setProperty("--heat", `${Math.round(share * 100)}%`);
        cell.classList.toggle("hot", share > 0.5);
        return cell;
      }),
    ),
  );
  find("#heat").replaceChildren(
    make(
      "table",
      { className: "heat" },
      make("caption", {}, "Cosine of each prompt with each"),
      make("thead", {}, head),
      make("tbody", {}, ...rows),
    ),
  );
}

async function showTrie(app: App, texts: readonly string[]): Promise<void> {
  const trie = await app.engine.trie(texts);
  const rows = trie.parents.length;
  const padded = app.model!.contextLength * texts.length;
  find("#rows-saved").textContent =
    `${texts.length} prompts of ${trie.tokens} tokens: ${rows} rows are computed, ${trie.tokens - rows} are shared.`;
  const costs: readonly (readonly [string, number])[] = [
    [`padded to ${app.model!.contextLength}, as the original`, padded],
    ["without padding", trie.tokens],
    ["shared beginnings once", rows],
  ];
  find("#costs").replaceChildren(
    ...costs.map(([name, count]) => barItem(name, count / padded, String(count))),
  );
  find("#trie").replaceChildren(drawTrie(trie));
}
