/** Text that came from somewhere else, in quotes and harmless for a terminal. */

/** What would move the cursor, or turn the direction of writing. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** With escapes for everything that cannot be seen. */
export function printable(text: string): string {
  return JSON.stringify(text).replaceAll(UNSAFE, (character) =>
    Array.from({ length: character.length }, (_, i) => character.charCodeAt(i).toString(16).padStart(4, "0"))
      .map((code) => `\\u${code}`)
      .join(""),
  );
}
