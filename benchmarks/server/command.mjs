/** `textower serve` as a process, for as long as a benchmark needs it. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../packages/cli/bin/textower.js", import.meta.url));

/** Starts it on a free port. It ends with this process, whatever happens. */
export async function startServer(flags) {
  const child = spawn(process.execPath, [COMMAND, "serve", "--port", "0", ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let port;
  for await (const line of createInterface({ input: child.stdout })) {
    port = Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
    if (port > 0) break;
  }
  if (!(port > 0)) throw new Error(`expected the server to listen, but it ended with ${await ended}`);
  return {
    port,
    async stop() {
      child.kill("SIGTERM");
      const code = await ended;
      process.off("exit", kill);
      if (code !== 0) throw new Error(`expected the server to end with 0, got ${code}`);
    },
  };
}

/** Values of its metrics without labels, by name. */
export async function metricsOf(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Object.fromEntries(
    [...text.matchAll(/^(\w+) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]),
  );
}
