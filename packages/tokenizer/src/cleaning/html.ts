// HTML character references as two Python functions read them: html.unescape, and the stricter one inside ftfy.
// Names come from the `entities` package; what Python does with numbers is spelt out here.

import { decodeHTML, decodeHTMLStrict } from "entities/decode";

/** html.unescape's pattern: a number, or up to 32 characters that might begin with a name. */
const REFERENCE = /&(?:#([0-9]+);?|#[xX]([0-9a-fA-F]+);?|[^\t\n\f <&#;]{1,32};?)/gu;

/** What bytes 0x80–0x9F mean in Windows-1252; the five without a meaning stay. Also the HTML standard's numeric table. */
const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/** The Windows-1252 meaning of a C1 control. */
export function fromWindows1252(code: number): string {
  return WINDOWS_1252[code - 0x80];
}

/** Python's `html.unescape`: numbers, names with a semicolon, and the old names that need none, by longest prefix. */
export function unescapeHtml(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(REFERENCE, (match: string, decimal?: string, hex?: string) => {
    if (decimal !== undefined) return fromNumber(Number.parseInt(decimal, 10));
    if (hex !== undefined) return fromNumber(Number.parseInt(hex, 16));
    return decodeHTML(match);
  });
}

/** One numeric reference, by Python's `html._replace_charref`. */
function fromNumber(code: number): string {
  if (code === 0) return "\ufffd";
  if (code === 0x0d) return "\r";
  if (code >= 0x80 && code <= 0x9f) return fromWindows1252(code);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return "\ufffd";
  if (isInvalid(code)) return "";
  return String.fromCodePoint(code);
}

/** Python's `_invalid_codepoints`: controls and noncharacters vanish. */
function isInvalid(code: number): boolean {
  if (code < 0x20) return code !== 0x09 && code !== 0x0a && code !== 0x0c;
  if (code >= 0xfdd0 && code <= 0xfdef) return true;
  return code === 0x7f || (code & 0xfffe) === 0xfffe;
}

/** ftfy's HTML_ENTITY_RE: always with a semicolon. */
const STRICT_REFERENCE = /&#?[0-9A-Za-z]{1,24};/g;

/**
 * ftfy's `unescape_html`: only references that end in a semicolon, and names all in capitals where they mean nothing else
 * ("&NTILDE;" is "Ñ").
 */
export function unescapeHtmlStrictly(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(STRICT_REFERENCE, (match) => {
    if (match[1] === "#") {
      const decoded = unescapeHtml(match);
      return decoded.includes(";") ? match : decoded;
    }
    const decoded = decodeHTMLStrict(match);
    if (decoded !== match) return decoded;
    if (match !== match.toUpperCase() || decodeHTML(match) !== match) return match;
    const small = match.toLowerCase();
    const fromSmall = decodeHTMLStrict(small);
    return fromSmall === small ? match : fromSmall.toUpperCase();
  });
}
