/** Text that came from somewhere else, made harmless for a terminal. */

/** Control characters, line separators and what turns the direction of writing. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text in quotes, with everything that would move the cursor or hide a part of it shown as an escape. */
export function quote(text: string): string {
  return JSON.stringify(text).replaceAll(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
