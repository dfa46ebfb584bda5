/**
 * `CaptionFile`: captions with what stands beside them, read in order from any mark. Readers of formats make one.
 *
 * Not here: which captions are left out, and what becomes of them.
 */
import type { ColumnDeclaration } from "@textower/vector-files";

/** Formats of captions. */
export const CAPTION_FORMATS = ["txt", "csv", "jsonl", "parquet"] as const;
/** See `CAPTION_FORMATS`. */
export type CaptionFormat = (typeof CAPTION_FORMATS)[number];

/** A place between two records. */
export interface Mark {
  /** Records before it. */
  readonly record: number;
  /** Bytes before it; 0 where the format needs none. */
  readonly offset: number;
}

/** One record. */
export interface Caption {
  readonly text: string;
  /** All its fields by column, that of the text included. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** For messages: "captions.txt, line 3". */
  readonly where: string;
  /** The mark after it. */
  readonly next: Mark;
}

/** An open file of captions. */
export interface CaptionFile {
  readonly format: CaptionFormat;
  readonly name: string;
  /** The column of the texts. */
  readonly textColumn: string;
  /** Columns and their types, where the file says; JSON Lines does not. */
  readonly columns: readonly ColumnDeclaration[] | undefined;
  /** Before the first record. */
  readonly begin: Mark;
  /** @throws BulkError `bad-input`, or what reading rejects with; from the iterator */
  read(from: Mark, signal?: AbortSignal): AsyncGenerator<Caption, void, undefined>;
}
