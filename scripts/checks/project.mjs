/** An empty directory into which tarballs are installed, as a user would, and what is run there. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";

/**
 * @param {string} folder - to be made
 * @param {Record<string, string>} tarballs - name → path of every public package
 * @param {readonly string[]} names - packages that are asked for; the others come where these depend on them
 * @param {Record<string, string>} others - further packages, name → version
 */
export function install(folder, tarballs, names, others = {}) {
  mkdirSync(folder, { recursive: true });
  const overrides = Object.fromEntries(
    Object.entries(tarballs).map(([name, path]) => [name, `file:${path}`]),
  );
  const dependencies = Object.fromEntries(names.map((name) => [name, overrides[name]]));
  const manifest = {
    name: "project",
    private: true,
    dependencies: { ...dependencies, ...others },
    overrides,
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"], folder);
}

/** Writes files of a project. */
export function write(folder, files) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** Runs a command to its end, which has to be a good one. @returns what it printed */
export function run(command, args, cwd) {
  const env = { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: "utf8" });
  expect(status, `${command} ${args.join(" ")}\n${stdout}\n${stderr}`).toBe(0);
  return stdout;
}
