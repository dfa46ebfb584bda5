/** `textower search`: the pictures of the embedded gallery that fit queries best, and a contact sheet of them. */
import { describeRun, openEncoder, remarks } from "../encoder.js";
import type { OpenedEncoder } from "../encoder.js";
import { encodePrompts } from "../encode-prompts.js";
import { contactSheet, sheetFormat } from "../contact-sheet.js";
import type { SearchResult } from "../contact-sheet.js";
import { openGallery } from "../gallery.js";
import { flush, write } from "../io.js";
import type { Io } from "../io.js";
import { longTextOptions } from "../options.js";
import type { LongTextFlags, RunOptions, TextOptions } from "../options.js";
import { openDestination } from "../output/destination.js";
import { shortDecimal } from "@textower/vector-files";
import { jsonLine } from "../output/jsonl.js";
import { quote } from "../output/quote.js";
import { table } from "../output/table.js";
import { Progress } from "../progress.js";

/** Options of `search`. */
export interface SearchOptions extends RunOptions, LongTextFlags, Pick<TextOptions, "cleaning"> {
  /** Pictures a query. */
  readonly top: number;
  /** File of the sheet, `false` for none. Default: `DEFAULT_SHEET` for the table, none for JSONL. */
  readonly sheet?: string | false;
  readonly format: "table" | "jsonl";
}

/** Where the sheet goes if nobody says. */
export const DEFAULT_SHEET = "contact-sheet.png";

/** Runs the command. */
export async function search(queries: readonly string[], options: SearchOptions, io: Io): Promise<void> {
  const { format, top } = options;
  const sheet = sheetOf(options);
  const kind = sheet === undefined ? undefined : sheetFormat(sheet);
  const results: SearchResult[] = [];
  const opened = await openEncoder({ ...options, model: "shapes" }, new Progress(io), io);
  try {
    const embeddings = await embed(queries, options, opened, io);
    if (format === "table") {
      const about = [describeRun("shapes", opened.encoder.info), ...remarks(opened)];
      await write(io.stdout, about.map((line) => `# ${line}\n`).join(""));
    }
    const gallery = await openGallery();
    for (const [i, query] of queries.entries()) {
      const result = { query, hits: gallery.nearest(embeddings[i]!, top) };
      results.push(result);
      await write(io.stdout, format === "table" ? describe(result) : jsonLine(plain(result)));
    }
  } finally {
    await opened.encoder.dispose();
  }
  if (sheet !== undefined && kind !== undefined) {
    await writeSheet(sheet, await contactSheet(kind, results), io);
    if (format === "table") await write(io.stdout, `\ncontact sheet: ${sheet}\n`);
  }
  await flush(io.stdout);
}

function sheetOf({ sheet, format }: SearchOptions): string | undefined {
  if (sheet === false) return undefined;
  return sheet ?? (format === "table" ? DEFAULT_SHEET : undefined);
}

async function embed(
  queries: readonly string[],
  options: SearchOptions,
  { encoder }: OpenedEncoder,
  { signal }: Io,
): Promise<readonly Float32Array[]> {
  const prompts = queries.map((text, i) => ({ text, where: `query ${i + 1}` }));
  const stopping = signal === undefined ? {} : { signal };
  return (await encodePrompts(encoder, prompts, { ...longTextOptions(options), ...stopping })).embeddings;
}

function describe({ query, hits }: SearchResult): string {
  const rows = hits.map(({ rank, score, entry }) => [
    rank,
    score.toFixed(3).padStart(6),
    entry.file,
    entry.caption,
  ]);
  return `\n${quote(query)}\n${table(rows, "  ")}`;
}

/** A result as JSON has it. */
function plain({ query, hits }: SearchResult): object {
  return {
    query,
    hits: hits.map(({ rank, score, entry }) => ({
      rank,
      score: shortDecimal(score),
      file: entry.file,
      caption: entry.caption,
    })),
  };
}

async function writeSheet(path: string, bytes: Uint8Array, io: Io): Promise<void> {
  const destination = await openDestination(io, path, { seekable: false });
  try {
    await destination.write(bytes);
    await destination.commit();
  } finally {
    await destination.discard();
  }
}
