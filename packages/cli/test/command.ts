/** Runs the command: the real one in a process of its own, or `run` with streams that claim to be terminals. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { run } from "../src/index.js";

/** The installed command. */
export const BIN = fileURLToPath(new URL("../bin/textower.js", import.meta.url));

if (!existsSync(new URL("../dist/main.js", import.meta.url))) {
  throw new Error("the command is not built: run `npx tsc -b packages/cli` first");
}

/** What a process left behind. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly text: string;
  readonly stderr: string;
}

/** Runs `textower ARGS` with no terminal anywhere. */
export function textower(
  args: readonly string[],
  options: { stdin?: string | Uint8Array; cwd?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const { stdin = "", cwd = tmpdir(), env = {} } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { cwd, env: { ...process.env, ...env } });
    const chunks: Buffer[] = [];
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      const stdout = Buffer.concat(chunks);
      resolve({ code, stdout, text: stdout.toString(), stderr });
    });
    child.stdin.on("error", () => undefined); // it may not want to read
    child.stdin.end(stdin);
  });
}

/** Runs a command line in this process, on terminals. */
export async function onTerminal(args: readonly string[]): Promise<Outcome> {
  const terminal = (): PassThrough & { isTTY: true } =>
    Object.assign(new PassThrough({ highWaterMark: 2 ** 24 }), { isTTY: true as const });
  const [stdin, stdout, stderr] = [terminal(), terminal(), terminal()];
  const code = await run(args, { stdin, stdout, stderr, env: {} });
  const bytes = (stdout.read() as Buffer | null) ?? Buffer.alloc(0);
  return {
    code,
    stdout: bytes,
    text: bytes.toString(),
    stderr: String((stderr.read() as Buffer | null) ?? ""),
  };
}

/** A directory that is gone after the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "textower-cli-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The objects of JSON Lines. */
export function lines<T>(text: string): T[] {
  if (text === "") return [];
  if (!text.endsWith("\n")) throw new Error("expected the last line to end");
  return text
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

/** One line of `encode --format jsonl`. */
export interface EncodeLine {
  readonly text: string;
  readonly tokens: number;
  readonly cut: number;
  readonly windows: number;
  readonly embedding: number[];
}

/** Euclidean length. */
export function norm(vector: readonly number[]): number {
  return Math.hypot(...vector);
}

/** Largest |difference|, relative to the largest |element| expected. */
export function relativeDifference(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} numbers for ${expected.length}`);
  const off = Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)));
  return off / Math.max(...expected.map(Math.abs));
}
