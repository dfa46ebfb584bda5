// The three ways to clean a text, end to end. Each returns lower-case text for split.ts, which drops whitespace itself:
// collapsing runs of it first, as the references do, changes no token and is left out.

import type { Cleaning } from "../vocabulary.js";
import { fixText } from "./ftfy.js";
import { unescapeHtml } from "./html.js";
import { strip } from "./whitespace.js";

/** Cleans one text. */
export type Cleaner = (text: string) => string;

/** openai/CLIP, clip/simple_tokenizer.py: basic_clean without ftfy, then lower case. */
const plain: Cleaner = (text) => strip(unescapeHtml(unescapeHtml(text))).toLowerCase();

/** The same with ftfy first. */
const openai: Cleaner = (text) => plain(fixText(text));

/**
 * The normalizer of the published tokenizer.json. It lowers character by character, so a final sigma stays "σ", where
 * toLowerCase of a whole string makes it "ς".
 */
const huggingface: Cleaner = (text) => text.normalize("NFC").replaceAll("Σ", "σ").toLowerCase();

/** The cleaners by name. */
export const CLEANERS: Readonly<Record<Cleaning, Cleaner>> = { openai, plain, huggingface };
