/**
 * The code in READMEs and guides: every block of `ts` and `js` has to hold its types and to run, in Node, as it stands.
 * Names of the Hub lead to a hub on loopback, which has the shapes model under each; file names to copies of it.
 * Blocks marked `fragment` are parts of something, and stay unread.
 */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entryPoints, root } from "../workspace.mjs";
import { blocksOf, documents, makeSurroundings } from "./documents.mjs";

const blocks = documents().flatMap((path) => blocksOf(path, ["ts", "js"]));
const work = join(root, "docs/.cache/blocks");
let surroundings;

beforeAll(async () => {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  for (const { name, language, code } of blocks) {
    // Modules, also where nothing is imported or exported.
    writeFileSync(join(work, `${name}.m${language}`), `${code}\nexport {};\n`);
  }
  surroundings = await makeSurroundings();
});
afterAll(() => surroundings?.close());

test("types hold in every block", () => {
  const options = {
    extends: relative(work, join(root, "tsconfig.base.json")),
    compilerOptions: {
      composite: false,
      declaration: false,
      outDir: "out",
      rootDir: ".",
      types: ["node"],
      noUnusedLocals: false,
    },
    include: ["*.mts"],
  };
  writeFileSync(join(work, "tsconfig.json"), JSON.stringify(options));
  const compile = () =>
    execFileSync(process.execPath, [tsc(), "-p", work], { encoding: "utf8", stdio: "pipe" });
  let complaints = "";
  try {
    compile();
  } catch (error) {
    complaints = error.stdout;
  }
  expect(complaints).toBe("");
});

describe.concurrent("every block runs:", () => {
  test.each(blocks)("$title", async ({ name, language }) => {
    const path = join(work, language === "ts" ? `out/${name}.mjs` : `${name}.mjs`);
    const { folder } = surroundings;
    const env = surroundings.environment(name);
    const { error, stdout, stderr } = await new Promise((resolve) => {
      execFile(process.execPath, [path], { cwd: folder, env, timeout: 120_000 }, (error, stdout, stderr) =>
        resolve({ error, stdout, stderr }),
      );
    });
    expect(error, `${stdout}\n${stderr}`).toBeNull();
  });
});

test("the API reference is made, and no link in a docstring leads nowhere", () => {
  const out = join(surroundings.folder, "api");
  execFileSync(process.execPath, [join(root, "docs/make-api.mjs"), out], { stdio: "pipe" });
  const missing = entryPoints().filter(
    ({ specifier }) => !readFileSync(join(out, "modules.html"), "utf8").includes(`>${specifier}<`),
  );
  expect(missing).toEqual([]);
});

test("no link in a document leads nowhere", () => {
  const broken = documents().flatMap((path) => {
    const text = readFileSync(join(root, path), "utf8").replaceAll(/^```[\s\S]*?^```$/gm, "");
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, target]) => target);
    return links
      .filter((target) => !existsSync(join(root, dirname(path), target)))
      .map((target) => `${path}: ${target}`);
  });
  expect(broken).toEqual([]);
});

function tsc() {
  return join(root, "node_modules/typescript/bin/tsc");
}
