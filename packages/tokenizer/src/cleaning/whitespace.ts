// Whitespace as Python and the `regex` module know it, spelt out: JavaScript's \s has U+FEFF and lacks U+0085.

/** Unicode White_Space, for a character class: `\s` of Python's `regex` and of Rust. */
export const WHITE_SPACE = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

/** What Python's `str.strip()` takes off: White_Space and the four separators U+001C–U+001F. */
const STRIPPED = `${WHITE_SPACE}\\x1c-\\x1f`;
const isStripped = new RegExp(`[${STRIPPED}]`);

/** Python's `str.strip()`. */
export function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isStripped.test(text[start])) start++;
  while (end > start && isStripped.test(text[end - 1])) end--;
  return text.slice(start, end);
}
