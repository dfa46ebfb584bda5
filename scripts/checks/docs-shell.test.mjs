/**
 * The commands in READMEs and guides: every `textower …` line of an `sh` block runs, with names of the Hub leading to a hub
 * on loopback, unless the block is marked `fragment`; servers run until they listen; every `npm install` names packages that there are; every script of `pnpm` and `npm` exists.
 *
 * Not run: commands that take minutes or wait for a browser (`@textower/benchmark`, `vite`), and esbuild's, which
 * `install.test.mjs` runs.
 */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { manifests, publicPackages, root } from "../workspace.mjs";
import { blocksOf, documents, makeSurroundings } from "./documents.mjs";

/** Files that commands read. */
const FILES = {
  "prompts.txt": "a red circle\na small blue star\n",
  "captions.txt": "a red circle\na small blue star\n",
  "captions.csv": 'caption,url\na red circle,1.png\n"a star, small and blue",2.png\n',
};
/** Milliseconds; none of them takes more than some seconds on a quiet machine. */
const COMMAND_TIMEOUT = 180_000;
/** A server runs until it is told to stop. */
const IS_SERVER = /^textower serve\b/;

const blocks = documents().flatMap((path) =>
  blocksOf(path, ["", "sh"]).map((block) => ({ ...block, path, lines: linesOf(block.code) })),
);
const scripts = (manifest) =>
  Object.keys(JSON.parse(readFileSync(join(root, manifest), "utf8")).scripts ?? {});
let surroundings;
let bin;

beforeAll(async () => {
  surroundings = await makeSurroundings();
  for (const [file, text] of Object.entries(FILES)) writeFileSync(join(surroundings.folder, file), text);
  bin = join(surroundings.folder, "bin");
  mkdirSync(bin);
  const command = join(bin, "textower");
  writeFileSync(
    command,
    `#!/bin/sh\nexec "${process.execPath}" "${join(root, "packages/cli/bin/textower.js")}" "$@"\n`,
  );
  chmodSync(command, 0o755);
});
afterAll(() => surroundings?.close());

const commands = blocks.filter(({ lines }) => lines.some((line) => line.startsWith("textower ")));
test.each(commands)("$title: textower", async ({ name, lines }) => {
  const env = { ...surroundings.environment(name), PATH: `${bin}${delimiter}${process.env.PATH}` };
  for (const line of lines.filter((each) => each.startsWith("textower "))) {
    const serves = IS_SERVER.test(line);
    // Not `spawnSync`: the hub is in this process.
    const { error, stderr } = await new Promise((resolve) => {
      const command = serves ? `exec ${line} --port 0` : line;
      const child = execFile(
        "sh",
        ["-c", command],
        { cwd: surroundings.folder, env, timeout: COMMAND_TIMEOUT },
        (error, stdout, stderr) => resolve({ error, stderr }),
      );
      if (serves) child.stdout.on("data", (text) => /^listening on/m.test(text) && child.kill("SIGTERM"));
    });
    expect(error, `${line}\n${stderr}`).toBeNull();
  }
});

test("what is to be installed exists", () => {
  const own = new Set(publicPackages().map(({ name }) => name));
  const missing = blocks.flatMap(({ path, lines }) =>
    lines
      .filter((line) => line.startsWith("npm install "))
      .flatMap((line) => line.split(" ").slice(2))
      .filter((word) => !word.startsWith("-"))
      .filter((name) => !own.has(name) && !isInstalled(name, dirname(path)))
      .map((name) => `${path}: ${name}`),
  );
  expect(missing).toEqual([]);
});

test("every script that is called exists", () => {
  const known = { npm: ["install", "test", "ci"], pnpm: ["install", "exec", "add", "--filter"] };
  const here = [...scripts("package.json"), ...manifests().flatMap(scripts)];
  const missing = blocks.flatMap(({ path, lines }) =>
    lines
      .flatMap((line) => line.split(/ && |; /))
      .map((line) => /^(npm|pnpm) (?:run )?([\w-]+)/.exec(line))
      .filter((match) => match !== null && !known[match[1]].includes(match[2]) && !here.includes(match[2]))
      .map(([line]) => `${path}: ${line}`),
  );
  expect(missing).toEqual([]);
});

/** A block's commands, without comments, lines that go on put together. */
function linesOf(code) {
  return code
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.replace(/\s+#.*$|^#.*$/, "").trim())
    .filter((line) => line !== "");
}

/** Whether a package of others can be had from a folder of the repository, or from the documentation's. */
function isInstalled(name, folder) {
  return [folder, "docs", "."].some((from) => existsSync(join(root, from, "node_modules", name)));
}
