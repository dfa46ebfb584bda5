/**
 * Runs a command that makes a file, once in peace and once with kills: the process is killed (SIGKILL) at random moments
 * and started again with the same command line, until as many kills have hit it as are wanted; then it may finish.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync, readdirSync } from "node:fs";
import { createHash } from "node:crypto";

/**
 * @param {object} options
 * @param {(output: string) => string[]} options.command - arguments for this Node
 * @param {string} options.peaceful - path of the output of the run in peace
 * @param {string} options.killed - path of the other
 * @param {number} options.kills
 * @param {(line: string) => void} [options.log]
 * @returns {Promise<{ same: boolean, seconds: number, kills: { afterSeconds: number, finishedShards: number, assembling: boolean }[] }>}
 */
export async function killAndResume({ command, peaceful, killed, kills, log = () => undefined }) {
  const seconds = await finish(command(peaceful));
  log(`in peace: ${seconds.toFixed(1)} s`);
  const hits = [];
  while (hits.length < kills) {
    const child = start(command(killed));
    const exited = once(child, "exit");
    // Early in a run as well as late: what is left shrinks with every one.
    const wait = seconds * Math.random() * (2 / (kills + 1));
    const timer = setTimeout(() => child.kill("SIGKILL"), wait * 1000);
    const [code, signal] = await exited;
    clearTimeout(timer);
    if (signal === "SIGKILL") {
      const names = existsSync(`${killed}.shards`) ? readdirSync(`${killed}.shards`) : [];
      const hit = {
        afterSeconds: +wait.toFixed(1),
        finishedShards: names.filter((name) => name.startsWith("shard-")).length,
        assembling: names.some((name) => /^\.(?!shard-|manifest).*\.part$/.test(name)),
      };
      hits.push(hit);
      log(`kill ${hits.length}: ${JSON.stringify(hit)}`);
    } else if (code !== 0) {
      throw new Error(`expected the command to end with 0 or a kill, got ${code}: ${child.said}`);
    }
  }
  await finish(command(killed));
  return { same: (await sha256(peaceful)) === (await sha256(killed)), seconds, kills: hits };
}

async function finish(args) {
  const begin = performance.now();
  const child = start(args);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`expected exit code 0, got ${code}: ${child.said}`);
  return (performance.now() - begin) / 1000;
}

function start(args) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  child.said = "";
  child.stderr.on("data", (chunk) => (child.said += chunk));
  return child;
}

async function sha256(path) {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}
