/**
 * What users would install: every public package packed, checked by publint and for type resolution, then installed
 * from its tarball into an empty project, where the README's five lines run.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publicPackages, root } from "../workspace.mjs";

const packages = publicPackages();
const folder = mkdtempSync(join(tmpdir(), "textower-pack-"));
const tarballs = join(folder, "tarballs");
const tarball = (name) => {
  const prefix = name.replace("@", "").replace("/", "-");
  const found = readdirSync(tarballs).find((file) => new RegExp(`^${prefix}-\\d`).test(file));
  return join(tarballs, found);
};

beforeAll(() => {
  mkdirSync(tarballs);
  for (const { folder } of packages) {
    execFileSync("pnpm", ["pack", "--pack-destination", tarballs], {
      cwd: join(root, folder),
      stdio: "pipe",
    });
  }
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const { name } of packages) {
  test(`${name}: publint finds nothing`, async () => {
    const file = readFileSync(tarball(name));
    const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball: bytes }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test(`${name}: types resolve for ESM and bundlers`, async () => {
    const { problems, types } = await checkPackage(createPackageFromTarballData(readFileSync(tarball(name))));
    expect(types, "types included").toBeTruthy();
    // CommonJS cannot require an ES module without a flag on every Node that is supported: `import()` works there.
    const relevant = problems.filter(
      ({ kind, resolutionKind }) =>
        kind !== "CJSResolvesToESM" && resolutionKind !== "node10" && resolutionKind !== "node16-cjs",
    );
    expect(relevant).toEqual([]);
  });
}

test("the README's five lines run from the tarballs in an empty project", () => {
  const project = join(folder, "project");
  mkdirSync(project);
  const dependencies = Object.fromEntries(packages.map(({ name }) => [name, `file:${tarball(name)}`]));
  const { devDependencies } = JSON.parse(
    readFileSync(join(root, "packages/backend-onnx/package.json"), "utf8"),
  );
  dependencies["onnxruntime-node"] = devDependencies["onnxruntime-node"];
  const manifest = { name: "project", private: true, type: "module", dependencies, overrides: dependencies };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"], project);

  const readme = readFileSync(join(root, "README.md"), "utf8");
  const example = /```ts\n(import \{ createTextEncoder[\s\S]*?)```/.exec(readme)[1];
  writeFileSync(
    join(project, "example.mjs"),
    `${example}\nconsole.log(JSON.stringify(embeddings.map((row) => row.length)));\n`,
  );
  expect(JSON.parse(run(process.execPath, ["example.mjs"], project))).toEqual([128, 128]);

  const tokens = run(
    "npx",
    ["--no-install", "textower", "tokens", "--format", "jsonl", "a photo of a cat"],
    project,
  );
  expect(JSON.parse(tokens).ids).toEqual([49406, 320, 1125, 539, 320, 2368, 49407]);
});

function run(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  expect(status, `${command} ${args.join(" ")}\n${stdout}\n${stderr}`).toBe(0);
  return stdout;
}
