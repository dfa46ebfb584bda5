/** A Redis of Debian's for a test, on a free port of loopback, without a file on disk. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { onTestFinished } from "vitest";

/** Where Debian puts it. */
const REDIS = "/usr/bin/redis-server";
/** Why tests that need it are skipped; undefined where it is there. */
export const noRedis = existsSync(REDIS) ? undefined : `no ${REDIS}`;

/** Starts a server that ends with the test. @returns its URL */
export async function startRedis(): Promise<string> {
  const port = await freePort();
  const args = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
    "--daemonize",
    "no",
  ];
  const server = spawn(REDIS, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    if (server.exitCode !== null) return;
    server.kill("SIGTERM");
    await once(server, "exit");
  });
  let said = "";
  for await (const chunk of server.stdout) {
    said += String(chunk);
    if (said.includes("Ready to accept connections")) break;
  }
  if (!said.includes("Ready to accept connections")) throw new Error(`redis-server: ${said}`);
  server.stdout.destroy();
  return `redis://127.0.0.1:${port}`;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
