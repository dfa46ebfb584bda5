/**
 * What packages cost a page: the gzipped size of everything a package exports, with its own dependencies, against a
 * budget; and that a bundle holds nothing of what it does not use.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { afterAll, expect, test } from "vitest";
import { entryPoints, root } from "../workspace.mjs";

/**
 * kB (1000 bytes), gzipped, of all that is loaded at once or later. The tokenizer's is nearly all vocabulary; those of
 * `textower` hold the tokenizer, the WASM backend and what opens checkpoints. Runtimes that users bring do not count.
 */
const BUDGETS = {
  "@textower/graph": 7,
  "@textower/tokenizer": 200,
  "@textower/model": 7,
  "@textower/weights": 30,
  "@textower/hub": 18,
  "@textower/backend-reference": 7,
  "@textower/backend-onnx": 14,
  "@textower/backend-tfjs": 8,
  "@textower/backend-wasm": 32,
  "@textower/backend-webgpu": 24,
  "@textower/model-shapes": 0.3,
  "@textower/prompts": 8,
  "@textower/search": 36,
  "@textower/vector-files": 44,
  "@textower/zero-shot": 9,
  textower: 290,
};
/** Packages that are not made for pages. */
const NOT_FOR_PAGES = [
  "@textower/ai-sdk",
  "@textower/benchmark",
  "@textower/bulk",
  "@textower/cli",
  "@textower/conformance",
  "@textower/diffusion",
  "@textower/langchain",
  "@textower/server",
];

const points = entryPoints();
/** Name of an entry point → its file. */
const alias = Object.fromEntries(points.map(({ specifier, file }) => [`${specifier}$`, join(root, file)]));

const folder = mkdtempSync(join(tmpdir(), "textower-bundle-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Bundles a module for a browser. @returns its code, all chunks together */
async function bundle(name, code) {
  const input = join(folder, `${name.replaceAll(/\W/g, "_")}.mjs`);
  writeFileSync(input, code);
  const build = await rolldown({
    input,
    platform: "browser",
    cwd: root,
    resolve: { alias },
    logLevel: "silent",
  });
  const { output } = await build.generate({ format: "esm", minify: true });
  await build.close();
  return output.map((chunk) => chunk.code ?? "").join("");
}

const kilobytes = (code) => gzipSync(code, { level: 9 }).length / 1000;

const names = [...new Set(points.map(({ name }) => name))];
test("every package for pages has a budget", () => {
  expect(names.filter((name) => !(name in BUDGETS) && !NOT_FOR_PAGES.includes(name))).toEqual([]);
});

for (const [name, budget] of Object.entries(BUDGETS)) {
  test(`${name} has at most ${budget} kB`, async () => {
    const size = kilobytes(await bundle(name, `export * from "${name}";`));
    expect(size).toBeLessThanOrEqual(budget);
    // A budget that is far off says nothing.
    expect(size).toBeGreaterThan(budget / 2);
  });
}

for (const { specifier } of points.filter(({ name }) => name in BUDGETS)) {
  test(`importing ${specifier} alone leaves nothing in a bundle`, async () => {
    expect((await bundle(`empty ${specifier}`, `import "${specifier}";`)).trim()).toBe("");
  });
}

test("a function that needs little brings little along", async () => {
  const code = 'import { similarity } from "textower"; globalThis.result = similarity([], []);';
  expect(kilobytes(await bundle("similarity", code))).toBeLessThan(0.6);
});
