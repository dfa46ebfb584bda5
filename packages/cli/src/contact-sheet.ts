/**
 * Contact sheets: the pictures that queries found, best first, as one PNG or one HTML page.
 *
 * Not here: text in the PNG; ranks, scores and captions stand in the page and on the terminal.
 */
import { decode, encode } from "fast-png";
import { readPicture } from "./gallery.js";
import type { Hit } from "./gallery.js";
import { UsageError } from "./errors.js";

/** A query and what it found, best first. */
export interface SearchResult {
  readonly query: string;
  readonly hits: readonly Hit[];
}

/** What a sheet is written as. */
export type SheetFormat = "png" | "html";

/** The format that a file name asks for. @throws UsageError for another ending than .png, .html and .htm */
export function sheetFormat(path: string): SheetFormat {
  if (/\.png$/i.test(path)) return "png";
  if (/\.html?$/i.test(path)) return "html";
  throw new UsageError(`expected --sheet FILE.png or FILE.html, got ${path}`);
}

/** The bytes of a sheet. */
export function contactSheet(format: SheetFormat, results: readonly SearchResult[]): Promise<Uint8Array> {
  return format === "png" ? pngSheet(results) : htmlSheet(results);
}

/** Pictures in a row. */
const COLUMNS = 4;
/** Pixels around a picture: its frame, and the gap to the next. */
const FRAME = 2;
const GAP = 12;
/** Gray levels. The best hit's frame is dark. */
const PAPER = 255;
const FRAME_GRAY = 200;
const BEST_GRAY = 32;
/** Red, green, blue. */
const CHANNELS = 3;

interface Raster {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly data: Uint8Array;
}

/** A grid in reading order; each query begins a new row. */
async function pngSheet(results: readonly SearchResult[]): Promise<Uint8Array> {
  const rows = results.flatMap(({ hits }) => chunks(hits, COLUMNS));
  const pictures = await Promise.all(
    rows.map((row) =>
      Promise.all(row.map(async (hit) => ({ hit, picture: toRgb(await readPicture(hit.entry)) }))),
    ),
  );
  const all = pictures.flat().map(({ picture }) => picture);
  const cellWidth = Math.max(1, ...all.map(({ width }) => width)) + 2 * FRAME + GAP;
  const cellHeight = Math.max(1, ...all.map(({ height }) => height)) + 2 * FRAME + GAP;
  const columns = Math.max(1, ...rows.map((row) => row.length));
  const width = columns * cellWidth + GAP;
  const height = Math.max(1, rows.length) * cellHeight + GAP;
  const sheet: Raster = { width, height, data: new Uint8Array(width * height * CHANNELS).fill(PAPER) };
  pictures.forEach((row, y) => {
    row.forEach(({ hit, picture }, x) => {
      const [left, top] = [GAP + x * cellWidth, GAP + y * cellHeight];
      const gray = hit.rank === 1 ? BEST_GRAY : FRAME_GRAY;
      fill(sheet, left, top, picture.width + 2 * FRAME, picture.height + 2 * FRAME, gray);
      paste(sheet, picture, left + FRAME, top + FRAME);
    });
  });
  return encode({ ...sheet, channels: CHANNELS, depth: 8 });
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

/** The gallery's pictures are RGB with 8 bits. @throws Error for any others */
function toRgb(png: Uint8Array): Raster {
  const { width, height, channels, depth, data } = decode(png);
  if (channels !== CHANNELS || depth !== 8) {
    throw new Error(
      `contact sheet: expected a picture with 3 channels of 8 bits, got ${channels} of ${depth}`,
    );
  }
  return { width, height, data: Uint8Array.from(data) };
}

function fill({ width, data }: Raster, left: number, top: number, w: number, h: number, gray: number): void {
  for (let y = top; y < top + h; y++) {
    data.fill(gray, (y * width + left) * CHANNELS, (y * width + left + w) * CHANNELS);
  }
}

function paste({ width, data }: Raster, picture: Raster, left: number, top: number): void {
  const rowBytes = picture.width * CHANNELS;
  for (let y = 0; y < picture.height; y++) {
    const row = picture.data.subarray(y * rowBytes, (y + 1) * rowBytes);
    data.set(row, ((top + y) * width + left) * CHANNELS);
  }
}

/** A page without scripts and without anything to load: pictures are data URIs. */
async function htmlSheet(results: readonly SearchResult[]): Promise<Uint8Array> {
  const sections = await Promise.all(
    results.map(async ({ query, hits }) => {
      const figures = await Promise.all(hits.map(figure));
      return `<h2>${escapeHtml(query)}</h2>\n<div>\n${figures.join("\n")}\n</div>`;
    }),
  );
  return Buffer.from(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escapeHtml(results.map(({ query }) => query).join(" · "))}</title>
<style>
  body { font: 14px/1.4 system-ui, sans-serif; margin: 24px; color: #222; background: #fff; }
  div { display: flex; flex-wrap: wrap; gap: 16px; }
  figure { margin: 0; width: 132px; }
  img { border: 2px solid #c8c8c8; }
  figure:first-child img { border-color: #202020; }
</style>
<body>
${sections.join("\n")}
</body>
</html>
`);
}

async function figure({ rank, score, entry }: Hit): Promise<string> {
  const picture = (await readPicture(entry)).toString("base64");
  const caption = escapeHtml(entry.caption);
  return `<figure><img src="data:image/png;base64,${picture}" alt="${caption}"><figcaption>${rank}. ${score.toFixed(3)}<br>${caption}</figcaption></figure>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}
