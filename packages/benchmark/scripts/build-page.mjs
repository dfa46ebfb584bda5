/** Bundles the page into `dist/site`: one script, and beside it the worker of the WASM backend, where it is looked for. */
import { cp, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("../", import.meta.url));
const site = join(root, "dist/site");
const wasm = dirname(createRequire(import.meta.url).resolve("@textower/backend-wasm"));

await mkdir(site, { recursive: true });
for (const file of ["index.html", "page.css"]) await cp(join(root, "site", file), join(site, file));
await bundle(join(root, "dist/page/main.js"), "page.js");
await bundle(join(wasm, "worker.js"), "worker.js");

async function bundle(input, name) {
  const build = await rolldown({ input, platform: "browser", logLevel: "warn" });
  await build.write({ file: join(site, name), format: "esm", minify: true, codeSplitting: false });
  await build.close();
}
