/** Packs every public package once, for all checks that want to see what users would install. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publicPackages, root } from "../workspace.mjs";

/** Provides `tarballs`: name of a package → path of its tarball. */
export default function setup(project) {
  const folder = mkdtempSync(join(tmpdir(), "textower-pack-"));
  const packages = publicPackages();
  const filters = packages.flatMap(({ name }) => ["--filter", name]);
  execFileSync("pnpm", [...filters, "-r", "pack", "--pack-destination", folder], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const files = readdirSync(folder);
  const tarballs = {};
  for (const { name } of packages) {
    const prefix = name.replace("@", "").replace("/", "-");
    tarballs[name] = join(
      folder,
      files.find((file) => new RegExp(`^${prefix}-\\d`).test(file)),
    );
  }
  project.provide("tarballs", tarballs);
  return () => rmSync(folder, { recursive: true, force: true });
}
