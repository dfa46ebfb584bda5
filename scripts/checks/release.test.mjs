/** A release as far as it goes without publishing: in a clone, changesets become versions, and everything is packed. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publicPackages, root } from "../workspace.mjs";

const folder = mkdtempSync(join(tmpdir(), "textower-release-"));
const clone = join(folder, "clone");
const tarballs = join(folder, "tarballs");
const packages = publicPackages();
const inClone = (command, ...args) => execFileSync(command, args, { cwd: clone, encoding: "utf8" });

beforeAll(() => {
  // The working tree, without what git ignores.
  const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  for (const path of files.split("\0").filter((each) => each !== "" && existsSync(join(root, each)))) {
    cpSync(join(root, path), join(clone, path));
  }
  inClone("git", "init", "-q", "-b", "main");
  inClone("git", "add", "-A");
  inClone("git", "-c", "user.name=release", "-c", "user.email=release@localhost", "commit", "-qm", "before");
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
  for (const { folder: path } of packages) {
    symlinkSync(join(root, path, "dist"), join(clone, path, "dist"));
    // Relative links, which lead to the clone's packages.
    const links = join(path, "node_modules");
    if (existsSync(join(root, links))) {
      cpSync(join(root, links), join(clone, links), { recursive: true, verbatimSymlinks: true });
    }
  }
  mkdirSync(tarballs);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("changesets become versions and change logs", () => {
  inClone("node_modules/.bin/changeset", "version");
  expect(readdirSync(join(clone, ".changeset")).filter((file) => file.endsWith(".md"))).toEqual([]);
  for (const { folder: path, name } of packages) {
    const { version } = JSON.parse(readFileSync(join(clone, path, "package.json"), "utf8"));
    expect(`${name} ${version}`).not.toBe(`${name} 0.0.0`);
    expect(readFileSync(join(clone, path, "CHANGELOG.md"), "utf8")).toContain(`## ${version}`);
  }
});

test("every package packs with the versions of the others", () => {
  const filters = packages.flatMap(({ name }) => ["--filter", name]);
  inClone("pnpm", ...filters, "-r", "pack", "--pack-destination", tarballs);
  const files = readdirSync(tarballs);
  expect(files).toHaveLength(packages.length);
  for (const file of files) {
    const manifest = JSON.parse(
      execFileSync("tar", ["-xzOf", join(tarballs, file), "package/package.json"], { encoding: "utf8" }),
    );
    for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      if (!name.startsWith("@textower/") && name !== "textower") continue;
      expect(`${manifest.name} wants ${name} ${range}`).toMatch(/ \^0\.[1-9]\d*\.\d+$/);
    }
  }
});
