/**
 * Where prompts come from: arguments, or the lines of a file or of standard input, as text or JSONL. Lines are read as
 * they are needed, and each prompt remembers where it stood.
 *
 * Not here: what becomes of them.
 */
import { open } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import type { Readable } from "node:stream";
import { splitLines } from "@textower/vector-files";
import { BadInputError, UsageError } from "./errors.js";
import type { Io } from "./io.js";

/** How lines are read: `text`, a prompt a line; `jsonl`, a JSON string or an object with `text` a line. */
export const INPUT_FORMATS = ["text", "jsonl"] as const;

/** See `INPUT_FORMATS`. */
export type InputFormat = (typeof INPUT_FORMATS)[number];

/** One prompt. */
export interface InputPrompt {
  readonly text: string;
  /** For messages: "prompt 1", "prompts.txt, line 3". */
  readonly where: string;
}

/** Prompts, in order. Read once. */
export interface PromptSource {
  readonly prompts: AsyncIterable<InputPrompt>;
  /** How many prompts there are in all: exactly, by estimate once some were read, or undefined if nothing tells. */
  total(): number | undefined;
}

/** What the command line says of the input. */
export interface InputOptions {
  readonly input?: string;
  readonly inputFormat?: InputFormat;
}

/** A longer line is no prompt, in bytes; it bounds the memory that a file without line ends can take. */
const MAX_LINE_BYTES = 2 ** 24;

/**
 * The prompts of a command line: its arguments, else `--input`, else standard input if that is no terminal.
 * @throws UsageError if there is none of these, or two; BadInputError for a file that cannot be opened
 */
export async function openPrompts(
  args: readonly string[],
  { input, inputFormat = "text" }: InputOptions,
  io: Io,
): Promise<PromptSource> {
  if (args.length > 0) {
    if (input !== undefined) throw new UsageError("expected prompts or --input, got both");
    return { prompts: fromArguments(args), total: () => args.length };
  }
  if (input === undefined && io.stdin.isTTY) {
    throw new UsageError('expected prompts, such as "a red circle", or --input FILE, got neither');
  }
  if (input === undefined || input === "-") return fromLines(io.stdin, "stdin", undefined, inputFormat, io);
  let size: number | undefined;
  let stream: Readable;
  try {
    const file = await open(input);
    const stats = await file.stat();
    if (stats.isDirectory()) {
      await file.close();
      throw new BadInputError(`${input}: expected a file, got a directory`);
    }
    size = stats.isFile() ? stats.size : undefined;
    stream = file.createReadStream();
  } catch (error) {
    if (error instanceof BadInputError) throw error;
    throw new BadInputError(`${input}: cannot be opened: ${reason(error)}`, { cause: error });
  }
  return fromLines(stream, input, size, inputFormat, io);
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && error.code === "ENOENT" ? "there is no such file" : error.message;
}

async function* fromArguments(args: readonly string[]): AsyncGenerator<InputPrompt> {
  for (const [index, text] of args.entries()) yield { text, where: `prompt ${index + 1}` };
}

function fromLines(
  stream: Readable,
  name: string,
  size: number | undefined,
  format: InputFormat,
  { signal }: Io,
): PromptSource {
  const seen = { bytes: 0, prompts: 0, ended: false };
  if (signal !== undefined) addAbortSignal(signal, stream);
  async function* prompts(): AsyncGenerator<InputPrompt> {
    let number = 0;
    const lines = splitLines(stream as AsyncIterable<Uint8Array>, {
      maxBytes: MAX_LINE_BYTES,
      tooLong: (line) =>
        new BadInputError(`${name}, line ${line}: expected at most ${MAX_LINE_BYTES} bytes, got more`),
    });
    for await (const { bytes, end } of lines) {
      const where = `${name}, line ${++number}`;
      const decoded = decodeLine(bytes, where, number === 1);
      seen.bytes = end;
      seen.prompts++;
      yield { text: format === "text" ? decoded : parseLine(decoded, where), where };
    }
    seen.ended = true;
  }
  return {
    prompts: prompts(),
    total() {
      if (seen.ended) return seen.prompts;
      if (size === undefined || seen.prompts === 0) return undefined;
      return Math.max(seen.prompts, Math.round((seen.prompts * size) / seen.bytes));
    },
  };
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeLine(line: Uint8Array, where: string, isFirst: boolean): string {
  let text: string;
  try {
    text = UTF8.decode(line);
  } catch {
    throw new BadInputError(`${where}: expected UTF-8, got other bytes`);
  }
  return isFirst && text.startsWith("\ufeff") ? text.slice(1) : text;
}

function parseLine(line: string, where: string): string {
  const expected = 'expected a JSON string or an object with "text"';
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    const got = line.trim() === "" ? "an empty line" : "no JSON";
    throw new BadInputError(`${where}: ${expected}, got ${got}`);
  }
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BadInputError(
      `${where}: ${expected}, got ${Array.isArray(value) ? "a list" : value === null ? "null" : `a ${typeof value}`}`,
    );
  }
  const text = "text" in value ? value.text : undefined;
  if (typeof text !== "string") {
    throw new BadInputError(
      `${where}: ${expected}, got an object ${text === undefined ? "without it" : `whose "text" is no string`}`,
    );
  }
  return text;
}
