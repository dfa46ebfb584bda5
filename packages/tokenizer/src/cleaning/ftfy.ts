// ftfy.fix_text (6.3, its defaults) but for its repair of wrongly decoded text ("mojibake"): this file fixes characters,
// it never guesses encodings. See the README's known differences.

import { fromWindows1252, unescapeHtmlStrictly } from "./html.js";

/**
 * Rounds of fixing after which a text is taken as it is. ftfy goes on for as long as anything changes; only references nested
 * deeper than this ("&amp;amp;amp;…") tell the difference, and a hostile text must not take quadratic time.
 */
const MOST_ROUNDS = 64;

/** Anything that some fix below changes, but for NFC and references: most texts have none. */
const SUSPECT =
  // eslint-disable-next-line no-control-regex
  /[\0-\x08\x0b\r\x0e-\x1f\x7f-\x9f\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\u02bc\u2018-\u201f\u2028\u2029\u206a-\u206f\u3000\ud800-\udfff\ufb00-\ufb06\ufeff\uff01-\uffef\ufff9-\ufffc]/;

const C1_CONTROL = /[\x80-\x9f]/g;

/** Latin letters written as one character for the sake of print or of old encodings. */
const LIGATURE = /[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06]/g;
const LIGATURES: ReadonlyMap<string, string> = new Map([
  ["\u0132", "IJ"],
  ["\u0133", "ij"],
  ["\u0149", "\u02bcn"],
  ["\u01c4", "D\u017d"],
  ["\u01c5", "D\u017e"],
  ["\u01c6", "d\u017e"],
  ["\u01c7", "LJ"],
  ["\u01c8", "Lj"],
  ["\u01c9", "lj"],
  ["\u01ca", "NJ"],
  ["\u01cb", "Nj"],
  ["\u01cc", "nj"],
  ["\u01f1", "DZ"],
  ["\u01f2", "Dz"],
  ["\u01f3", "dz"],
  ["\ufb00", "ff"],
  ["\ufb01", "fi"],
  ["\ufb02", "fl"],
  ["\ufb03", "ffi"],
  ["\ufb04", "ffl"],
  ["\ufb05", "\u017ft"],
  ["\ufb06", "st"],
]);

/** Full-width and half-width forms, and the ideographic space. */
const WIDTH_FORM = /[\u3000\uff01-\uffef]/g;
const SINGLE_QUOTE = /[\u02bc\u2018-\u201b]/g;
const DOUBLE_QUOTE = /[\u201c-\u201f]/g;
const LINE_BREAK = /\r\n?|[\u2028\u2029\x85]/g;
/** With `u`, pairs are one character, so only lone surrogates match. */
const LONE_SURROGATE = /[\ud800-\udfff]/gu;
// eslint-disable-next-line no-control-regex
const TERMINAL_ESCAPE = /\x1b\[[\p{Nd};]*[a-zA-Z]/gu;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g;

/**
 * Character fixes of `ftfy.fix_text`: line by line, and in each line until nothing changes.
 *
 * @returns the text with references resolved (not from the first line on that has a "<"), ligatures split, widths folded, quotes
 * straight, line breaks "\n", terminal escapes, control characters and lone surrogates gone, in NFC
 */
export function fixText(text: string): string {
  let fixed = "";
  let references = true; // ftfy's unescape_html="auto"
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline + 1;
    const line = text.slice(at, end);
    references &&= !line.includes("<");
    fixed += fixLine(line, references);
    at = end;
  }
  return fixed;
}

function fixLine(line: string, references: boolean): string {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const before = line;
    if (references) line = unescapeHtmlStrictly(line);
    if (SUSPECT.test(line)) line = fixCharacters(line);
    line = line.normalize("NFC");
    if (line === before) break;
  }
  return line;
}

/** One round, in ftfy's order. */
function fixCharacters(text: string): string {
  return text
    .replace(C1_CONTROL, (control) => fromWindows1252(control.charCodeAt(0)))
    .replace(LIGATURE, (ligature) => LIGATURES.get(ligature) ?? ligature)
    .replace(WIDTH_FORM, (form) => form.normalize("NFKC"))
    .replace(DOUBLE_QUOTE, '"')
    .replace(SINGLE_QUOTE, "'")
    .replace(LINE_BREAK, "\n")
    .replace(LONE_SURROGATE, "\ufffd")
    .replace(TERMINAL_ESCAPE, "")
    .replace(CONTROL, "");
}
