// The golden cases, read once. Made with openai/CLIP d05afc436d78 on Python 3.11.2; `ftfy*` with ftfy 6.3.1.

import { readFileSync } from "node:fs";

export interface GoldenCase {
  readonly cat: string;
  readonly text: string;
  /** Without ftfy: `cleaning: "plain"`. */
  readonly ids: readonly number[];
  readonly tooLong?: boolean;
  readonly tokens77?: readonly number[];
  readonly ftfyText?: string;
  /** With ftfy, where that differs: `cleaning: "openai"`. */
  readonly ftfyIds?: readonly number[];
  readonly ftfyMojibake?: boolean;
}

function read(name: string): GoldenCase[] {
  const { cases } = JSON.parse(readFileSync(new URL(`golden/${name}`, import.meta.url), "utf8")) as {
    cases: GoldenCase[];
  };
  return cases;
}

export const textCases = read("tokenizer.json");
export const htmlCases = read("tokenizer-html.json");
export const allCases = [...textCases, ...htmlCases];
