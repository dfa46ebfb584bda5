/** Which column holds the texts, and the text of a record. */
import { BulkError } from "../errors.js";

/** Names that are looked for, in this order, where none is given and there are several columns. */
const USUAL_NAMES = ["text", "caption"];

/** @throws BulkError `bad-input` with the columns that there are */
export function chooseTextColumn(
  name: string,
  columns: readonly string[],
  wanted: string | undefined,
): string {
  if (wanted !== undefined && columns.includes(wanted)) return wanted;
  const usual = USUAL_NAMES.find((each) => columns.includes(each));
  if (wanted === undefined && usual !== undefined) return usual;
  if (wanted === undefined && columns.length === 1) return columns[0]!;
  const expected =
    wanted === undefined ? "a column text or caption, or the name of another" : `a column ${wanted}`;
  throw new BulkError("bad-input", `${name}: expected ${expected}, got ${columns.join(", ") || "none"}`);
}

/** @throws BulkError `bad-input` for anything but a text; null and nothing are the empty text */
export function textOf(value: unknown, column: string, where: string): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "";
  throw new BulkError("bad-input", `${where}: expected a text as ${column}, got a ${typeof value}`);
}
