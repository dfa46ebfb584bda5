/** `textower serve` as a process, for one test. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { onTestFinished } from "vitest";
import { BIN } from "./command.js";

/** A server that listens. */
export interface Served {
  readonly child: ChildProcess;
  /** With `/v1`. */
  readonly url: string;
  /** What it has said. */
  readonly lines: string[];
  /** Its exit code. */
  readonly end: Promise<number | null>;
  stderr(): string;
}

/** Starts `textower serve ARGS` on a free port. It is gone after the test. */
export async function serve(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Served> {
  const child = spawn(process.execPath, [BIN, "serve", "--port", "0", "--threads", "1", ...args], {
    env: { ...process.env, ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const end = new Promise<number | null>((resolve) => child.once("close", resolve));
  let [stdout, stderr] = ["", ""];
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const lines = await new Promise<string[]>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (/^listening on .*\n/m.test(stdout)) resolve(stdout.trimEnd().split("\n"));
    });
    void end.then((code) => reject(new Error(`ended with ${code}: ${stderr}`)));
  });
  const url = lines.at(-1)!.replace("listening on ", "");
  return { child, url, lines, end, stderr: () => stderr };
}

/** Posts to `/v1/embeddings`. */
export function post(url: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/embeddings`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}
