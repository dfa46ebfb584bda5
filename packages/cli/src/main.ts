/** Runs a command line: `run` for tests and programs, `main` for the process. */
import { exitCode, complaint, EXIT } from "./errors.js";
import type { Io } from "./io.js";
import { createProgram } from "./program.js";

/**
 * Runs one command line. Never rejects: what goes wrong is said on `io.stderr`, in one line that begins with
 * "textower: ", with a stack only for `--debug` or TEXTOWER_DEBUG.
 *
 * @param argv - arguments, without the runtime's and the script's paths
 * @returns the exit code, see `EXIT`
 * @example const code = await run(["encode", "a red circle"], process);
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const ignore = (): void => undefined; // a write or a flush reports it; unheard, it would end the process
  const streams = [io.stdout, io.stderr];
  for (const stream of streams) stream.on("error", ignore);
  try {
    await createProgram(io).parseAsync(argv, { from: "user" });
    return EXIT.ok;
  } catch (error) {
    const message = complaint(error);
    if (message !== undefined) io.stderr.write(`textower: ${message}\n`);
    const debug = argv.includes("--debug") || (io.env["TEXTOWER_DEBUG"] ?? "") !== "";
    if (debug && message !== undefined) io.stderr.write(`${stackOf(error)}\n`);
    return exitCode(error);
  } finally {
    for (const stream of streams) stream.off("error", ignore);
  }
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/**
 * Runs the process's command line and sets its exit code. The first Ctrl-C or SIGTERM ends the command, the second the
 * process.
 */
export async function main(): Promise<void> {
  const { stdin, stdout, stderr, env } = process;
  const controller = new AbortController();
  let terminated = false;
  process.once("SIGINT", () => controller.abort());
  process.once("SIGTERM", () => {
    terminated = true;
    controller.abort();
  });
  const { signal } = controller;
  const code = await run(process.argv.slice(2), { stdin, stdout, stderr, env, signal });
  process.exitCode = code === EXIT.interrupted && terminated ? EXIT.terminated : code;
}
