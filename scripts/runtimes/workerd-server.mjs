/** workerd, the runtime of Cloudflare Workers, from its npm package, with one worker on loopback. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryOf } from "./binaries.mjs";

/** Path of its binary, or undefined. */
export const workerd = binaryOf("workerd", "bin/workerd");

/**
 * Serves a worker, one bundle, with modules that are files: wasm, data or json. It says on descriptor 3 where it listens.
 * @param {string} folder - of `worker.js` and the modules' files
 * @param {readonly { name: string, kind: "wasm" | "data" | "json", file: string }[]} modules - as `worker.js` imports them
 * @returns {Promise<{ url: string, stop: () => void }>}
 */
export async function serveWorkerd(folder, modules) {
  const lines = modules.map(({ name, kind, file }) => `(name = "${name}", ${kind} = embed "${file}"),`);
  const config = join(folder, "config.capnp");
  writeFileSync(
    config,
    `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    ${lines.join("\n    ")}
  ],
  compatibilityDate = "2025-09-01",
);
`,
  );
  const process = spawn(workerd, ["serve", "--control-fd=3", config], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const port = await new Promise((resolve, reject) => {
    let said = "";
    process.stdio[3].on("data", (chunk) => {
      said += chunk;
      const found = /"port":(\d+)/.exec(said);
      if (found !== null) resolve(found[1]);
    });
    process.once("error", reject);
    process.once("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
  });
  return { url: `http://127.0.0.1:${port}/`, stop: () => process.kill() };
}
