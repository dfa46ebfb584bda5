/** JSON Lines: one object a line. */

/** A line for one object. Lone surrogates are written as escapes, so that the line is valid UTF-8. */
export function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
