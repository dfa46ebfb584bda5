/**
 * Exit codes, the errors that carry them, and how an error reads on the terminal: one line, no stack.
 *
 * Not here: errors of text, files and backends. They come from the packages that throw them.
 */
import { CommanderError } from "commander";

/** Exit codes of the command. */
export const EXIT = {
  ok: 0,
  /** A checkpoint, a backend or an output failed. */
  failure: 1,
  /** The command line or the input is at fault. */
  usage: 2,
  /** Ctrl-C: 128 and the number of the signal, as shells have it. */
  interrupted: 130,
  /** SIGTERM, likewise. */
  terminated: 143,
} as const;

/** A command line that cannot be meant. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** An input that cannot be read as prompts, or a prompt that does not fit. Exit code 2. */
export class BadInputError extends Error {
  override readonly name = "BadInputError";
}

/** No backend can run the model as asked. Exit code 1. */
export class NoBackendError extends Error {
  override readonly name = "NoBackendError";
}

/** The exit code that an error stands for. */
export function exitCode(error: unknown): number {
  if (isBrokenPipe(error)) return EXIT.ok; // the reader has seen enough
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError || error instanceof BadInputError) return EXIT.usage;
  if (isBadHubRequest(error) || isBadCaptions(error)) return EXIT.usage;
  if (error instanceof Error && error.name === "AbortError") return EXIT.interrupted;
  return EXIT.failure;
}

/** What to say of an error; undefined if nothing, as for `--help` or a reader that went away. */
export function complaint(error: unknown): string | undefined {
  if (isBrokenPipe(error)) return undefined;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return undefined;
    if (error.code === "commander.help") return undefined; // the help has been printed
    return `${oneLine(error.message.replace(/^error: /, ""))} (see textower --help)`;
  }
  if (!(error instanceof Error)) return oneLine(String(error));
  if (error.name === "AbortError") return "interrupted";
  const message = error.message || error.name;
  // The library names its option; the command has a flag for it.
  return oneLine(message.replace("the option activation: ", "--activation "));
}

/** A HubError about what was asked for. By its name: most command lines never load that package. */
function isBadHubRequest(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== "HubError" || !("code" in error)) return false;
  return error.code === "bad-name" || error.code === "bad-option";
}

/** A BulkError about the input or what was asked for. By its name, as above. */
function isBadCaptions(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== "BulkError" || !("code" in error)) return false;
  return error.code === "bad-option" || error.code === "bad-input" || error.code === "other-job";
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}

/** Joins lines, and shows control characters instead of obeying them: messages quote files and prompts. */
function oneLine(message: string): string {
  return message
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`)
    .trim();
}
