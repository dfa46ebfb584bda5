/** The engine on usearch: the cases of all engines, its folder, and what a kill leaves. */
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as usearch from "usearch";
import { afterAll, expect, test } from "vitest";
import { openEmbeddingIndex } from "../src/index.js";
import { usearchEngine } from "../src/usearch/index.js";
import { engineCases } from "./engine-cases.js";
import { CHECKPOINT, DIMENSION, entriesOf, expectNearest, queriesOf } from "./world.js";

const folder = mkdtempSync(join(tmpdir(), "textower-usearch-"));
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
const pathOf = (number: number): string => join(folder, String(number));
// Hundreds of vectors are few for it: nearly all neighbours are found.
engineCases("usearch", {
  fresh: () => usearchEngine({ usearch, path: pathOf(++made) }),
  again: () => usearchEngine({ usearch, path: pathOf(made) }),
  recall: 0.9,
  lists: false,
});
engineCases("usearch, in memory, f16, one thread", {
  fresh: () => usearchEngine({ usearch, quantization: "f16", threads: 1 }),
  recall: 0.9,
  tolerance: 2e-3,
  lists: false,
});
