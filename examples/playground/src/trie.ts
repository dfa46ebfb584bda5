/** Draws the trie of some prompts: time goes to the right, prompts that go on alike share a line. */
import type { Trie } from "./protocol.js";

const [COLUMN, ROW, MARGIN] = [104, 30, 10];
const SPACE = "http://www.w3.org/2000/svg";

/** An SVG of the trie. */
export function drawTrie({ pieces, parents, pooled }: Trie): SVGSVGElement {
  const depth: number[] = [];
  const line: number[] = [];
  const taken = new Set<number>();
  let lines = 0;
  parents.forEach((parent, row) => {
    depth[row] = parent < 0 ? 0 : depth[parent]! + 1;
    // The first child goes on where its parent is; others begin a line of their own.
    const goesOn = parent >= 0 && !taken.has(parent);
    line[row] = goesOn ? line[parent]! : lines++;
    if (parent >= 0) taken.add(parent);
  });
  /** Prompts that each row is part of. */
  const prompts = parents.map(() => 0);
  for (const row of pooled) for (let at = row; at >= 0; at = parents[at]!) prompts[at]!++;
  const width = (Math.max(...depth) + 1) * COLUMN + 2 * MARGIN;
  const height = lines * ROW + MARGIN;
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "trie" });
  svg.append(element("title", {}, "Tokens from left to right; what several prompts share is drawn once"));
  const at = (row: number): readonly [number, number] => [
    MARGIN + depth[row]! * COLUMN,
    MARGIN + line[row]! * ROW,
  ];
  parents.forEach((parent, row) => {
    if (parent < 0) return;
    const [[x1, y1], [x2, y2]] = [at(parent), at(row)];
    const [from, to, middle] = [x1 + COLUMN - 12, x2, x2 - 6];
    const path = `M ${from} ${y1 + 11} H ${middle} V ${y2 + 11} H ${to}`;
    svg.append(element("path", { d: path, fill: "none" }));
  });
  const ends = new Set(pooled);
  pieces.forEach((piece, row) => {
    const [x, y] = at(row);
    const group = element("g", { class: ends.has(row) ? "end" : prompts[row]! > 1 ? "shared" : "" });
    group.append(
      element("title", {}, prompts[row]! > 1 ? `shared by ${prompts[row]} prompts` : "of one prompt"),
    );
    const shown = piece
      .replace("</w>", "")
      .replace(/^<\|(.)\w*of\w*\|>$/, (_, first: string) => (first === "s" ? "start" : "end"));
    group.append(
      element("rect", { x, y, width: COLUMN - 12, height: 22, rx: 5 }),
      element("text", { x: x + (COLUMN - 12) / 2, y: y + 15, "text-anchor": "middle" }, shown),
    );
    svg.append(group);
  });
  return svg;
}

function element<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | number>>,
  text = "",
): SVGElementTagNameMap[Name] {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(text);
  return made;
}
