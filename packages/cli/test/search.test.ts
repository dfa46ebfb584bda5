import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import { expect, test } from "vitest";
import type { GalleryEntry } from "@textower/model-shapes";
import { lines, scratch, textower } from "./command.js";

interface SearchLine {
  readonly query: string;
  readonly hits: { rank: number; score: number; file: string; caption: string }[];
}

const data = new URL("../../model-shapes/data/", import.meta.url);
const gallery = JSON.parse(readFileSync(new URL("gallery.json", data), "utf8")) as GalleryEntry[];

test("a small blue star is found, and its sheet is a PNG of the hits in order", async () => {
  const cwd = scratch();
  const { code, text, stderr } = await textower(["search", "a small blue star"], { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const hits = [...text.matchAll(/^ +(\d+) +(-?\d\.\d{3}) {2}(\d+\.png) {2}(.+)$/gm)];
  expect(hits.map(([, rank]) => Number(rank))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const scores = hits.map(([, , score]) => Number(score));
  expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  const found = hits.map(([, , , file]) => gallery.find((entry) => entry.file === file)!);
  const isWanted = ({ objects }: GalleryEntry): boolean =>
    objects.some(({ shape, color, size }) => shape === "star" && color === "blue" && size === "small");
  expect(found.some(isWanted)).toBe(true);

  expect(text).toContain("contact sheet: contact-sheet.png");
  expect(readdirSync(cwd)).toEqual(["contact-sheet.png"]);
  const sheet = decode(readFileSync(join(cwd, "contact-sheet.png")));
  expect([sheet.width, sheet.height, sheet.channels]).toEqual([4 * 144 + 12, 2 * 144 + 12, 3]);
  hits.forEach(([, , , file], i) => {
    const picture = decode(readFileSync(new URL(`gallery/${file}`, data)));
    const [left, top] = [14 + (i % 4) * 144, 14 + Math.floor(i / 4) * 144];
    for (const [x, y] of [
      [0, 0],
      [64, 64],
      [127, 127],
      [30, 90],
    ] as const) {
      const at = ((top + y) * sheet.width + left + x) * 3;
      const from = (y * picture.width + x) * 3;
      expect([...sheet.data.slice(at, at + 3)]).toEqual([...picture.data.slice(from, from + 3)]);
    }
  });
});

test("an HTML sheet loads nothing and escapes queries", async () => {
  const sheet = join(scratch(), "hits.html");
  const query = `<script>alert("&")</script> star`;
  const { code, text } = await textower(["search", query, "a red circle", "--top", "3", "--sheet", sheet]);
  expect(code).toBe(0);
  expect(text).toContain(`contact sheet: ${sheet}`);
  const html = readFileSync(sheet, "utf8");
  expect(html).toMatch(/^<!doctype html>/);
  expect(html).not.toContain("<script");
  expect(html).toContain("&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt; star");
  expect(html).not.toMatch(/(?:src|href)="(?!data:)/);
  const pictures = [...html.matchAll(/src="data:image\/png;base64,([^"]+)"/g)];
  expect(pictures).toHaveLength(6);
  for (const [, base64] of pictures) expect(decode(Buffer.from(base64!, "base64")).width).toBe(128);
});

test("jsonl: an object a query, and no sheet unasked", async () => {
  const cwd = scratch();
  const queries = ["a red circle", "two stars"];
  const { code, text, stderr } = await textower(
    ["search", "--format", "jsonl", "-k", "5", "--backend", "reference", ...queries],
    { cwd },
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const results = lines<SearchLine>(text);
  expect(results.map(({ query }) => query)).toEqual(queries);
  for (const { hits } of results) {
    expect(hits.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5]);
    for (const { file, caption, score } of hits) {
      expect(gallery.find((entry) => entry.file === file)!.caption).toBe(caption);
      expect(Math.abs(score)).toBeLessThanOrEqual(1);
    }
  }
  expect(results[0]!.hits[0]!.caption).toContain("red");
  expect(readdirSync(cwd)).toEqual([]);
});

test("more pictures than there are is all of them, and --no-sheet writes none", async () => {
  const cwd = scratch();
  const { code, text } = await textower(["search", "star", "--top", "9999", "--no-sheet"], { cwd });
  expect(code).toBe(0);
  expect(text.match(/\.png {2}/g)).toHaveLength(gallery.length);
  expect(existsSync(join(cwd, "contact-sheet.png"))).toBe(false);
});
