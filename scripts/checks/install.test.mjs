/**
 * Tarballs in empty directories: the same few lines in Node as ES module and from CommonJS, in Deno and Bun, in workerd as
 * esbuild bundles them, and in Chromium as Vite, webpack and esbuild do.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { binaryOf } from "../runtimes/binaries.mjs";
import { BROWSER_FLAGS } from "../runtimes/browser-flags.mjs";
import { suiteOf } from "../runtimes/suite.mjs";
import { serveWorkerd, workerd } from "../runtimes/workerd-server.mjs";
import { root } from "../workspace.mjs";
import { install, run, write } from "./project.mjs";
import { serveSite } from "./static-site.mjs";

const BUNDLERS = { vite: "8.3.8", webpack: "5.112.2", esbuild: "0.28.2" };
/** A user's program; `report` is what its host makes of the outcome. */
const program = (report) => `
import { createTextEncoder, similarity } from "textower";
const encoder = await createTextEncoder({ model: "shapes" });
const { embeddings } = await encoder.encode(["a red circle", "a red disc", "a blue star"]);
const { backend, threads, notes } = encoder.info;
await encoder.dispose();
${report}({ backend, threads, notes, scores: similarity([embeddings[0]], embeddings)[0] });
`;

const tarballs = inject("tarballs");
const folder = mkdtempSync(join(tmpdir(), "textower-install-"));
const project = join(folder, "project");
beforeAll(() => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8"));
  const runtime = { "onnxruntime-node": devDependencies["onnxruntime-node"] };
  install(project, tarballs, ["textower", "@textower/backend-onnx", "@textower/cli"], {
    ...BUNDLERS,
    ...runtime,
  });
  write(project, {
    "main.mjs": program("console.log(JSON.stringify").replace(/\}\);\n$/, "}));\n"),
    "main.cjs": 'import("./main.mjs");',
    "src/page.js": program("globalThis.report"),
    "index.html":
      '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/src/page.js"></script>',
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function expectOutcome({ backend, threads, notes, scores }, leastThreads = 1) {
  expect(backend).toBe("wasm");
  expect(threads, notes.join("\n")).toBeGreaterThanOrEqual(leastThreads);
  expect(scores[0]).toBeCloseTo(1, 5);
  expect(scores[1]).toBeGreaterThan(scores[2]);
}

test.each(["main.mjs", "main.cjs"])("Node runs %s", (file) => {
  expectOutcome(JSON.parse(run(process.execPath, [file], project)), 2);
});

test("Node runs the README's five lines", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const example = /```ts\n(import \{ createTextEncoder[\s\S]*?)```/.exec(readme)[1];
  const report = "console.log(JSON.stringify(embeddings.map((row) => row.length)));";
  write(project, { "readme.mjs": `${example}\n${report}\n` });
  expect(JSON.parse(run(process.execPath, ["readme.mjs"], project))).toEqual([128, 128]);
});

test("the command runs", () => {
  const args = ["--no-install", "textower", "tokens", "--format", "jsonl", "a photo of a cat"];
  expect(JSON.parse(run("npx", args, project)).ids).toEqual([49406, 320, 1125, 539, 320, 2368, 49407]);
});

test("the tokenizer comes alone", () => {
  const alone = join(folder, "tokenizer");
  install(alone, tarballs, ["@textower/tokenizer"]);
  const ids =
    'import("@textower/tokenizer").then((m) => console.log(m.createTokenizer().encode("a cat").ids.join()))';
  expect(run(process.execPath, ["-e", ids], alone)).toBe("49406,320,2368,49407\n");
});

for (const [name, file, args] of [
  ["deno", "deno", ["run", "--no-prompt", "--no-lock", "--node-modules-dir=manual", "--allow-read"]],
  ["bun", "bin/bun", []],
]) {
  const path = binaryOf(name, file);
  const { skip, title } = suiteOf(name, path, "its npm package brings one for most platforms");
  test.skipIf(skip)(`${title} runs main.mjs`, () => {
    expectOutcome(JSON.parse(run(path, [...args, "main.mjs"], project)));
  });
}

const workers = suiteOf("workerd", workerd, "its npm package brings one for most platforms");
test.skipIf(workers.skip)(`${workers.title} runs what esbuild bundles for Workers`, async () => {
  write(project, { "src/worker.js": WORKER });
  const kernels = "@textower/backend-wasm/relaxed.wasm";
  const options = ["--bundle", "--format=esm", "--outfile=workerd/worker.js", "--log-level=warning"];
  const external = ["*.wasm", "model.safetensors", "config.json", "node:*"].map(
    (each) => `--external:${each}`,
  );
  run(
    "npx",
    [
      "--no-install",
      "esbuild",
      "src/worker.js",
      ...options,
      "--conditions=workerd,worker,browser",
      ...external,
    ],
    project,
  );
  const files = [
    ["relaxed.wasm", "backend-wasm/dist/relaxed.wasm"],
    ["model.safetensors", "model-shapes/data/model.safetensors"],
    ["config.json", "model-shapes/data/config.json"],
  ];
  for (const [file, from] of files) {
    cpSync(join(project, "node_modules/@textower", from), join(project, "workerd", file));
  }
  const server = await serveWorkerd(join(project, "workerd"), [
    { name: kernels, kind: "wasm", file: "relaxed.wasm" },
    { name: "model.safetensors", kind: "data", file: "model.safetensors" },
    { name: "config.json", kind: "json", file: "config.json" },
  ]);
  try {
    const answer = await fetch(server.url);
    expect(answer.status).toBe(200);
    const { ids, ...outcome } = await answer.json();
    expect(ids).toEqual([49406, 320, 2368, 49407]);
    expectOutcome(outcome);
  } finally {
    server.stop();
  }
});

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browsers = suiteOf("Chromium", executablePath, "install Debian's, or set CHROMIUM");
describe.skipIf(browsers.skip)(`${browsers.title} runs what is bundled by`, () => {
  let browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: BROWSER_FLAGS });
  });
  afterAll(() => browser?.close());

  test("Vite", async () => {
    run("npx", ["--no-install", "vite", "build", "--outDir", "vite", "--logLevel", "warn"], project);
    expectOutcome(await open(browser, join(project, "vite")), 2);
  });

  test("webpack", async () => {
    write(project, { "webpack/index.html": page("main.js"), "webpack.config.cjs": WEBPACK_CONFIG });
    const build =
      'require("webpack")(require("./webpack.config.cjs"), (error, stats) => { if (error || stats.hasErrors()) { console.error(error ?? stats.toString("errors-only")); process.exit(1); } })';
    run(process.execPath, ["-e", build], project);
    expectOutcome(await open(browser, join(project, "webpack")), 2);
  });

  test("esbuild, which leaves files that modules name to its user", async () => {
    const entries = ["src/page.js", "node_modules/@textower/backend-wasm/dist/worker.js"];
    const options = [
      "--bundle",
      "--format=esm",
      "--splitting",
      "--entry-names=[name]",
      "--outdir=esbuild/js",
    ];
    run("npx", ["--no-install", "esbuild", ...entries, ...options, "--log-level=warning"], project);
    write(project, { "esbuild/index.html": page("js/page.js") });
    cpSync(join(project, "node_modules/@textower/model-shapes/data"), join(project, "esbuild/data"), {
      recursive: true,
    });
    expectOutcome(await open(browser, join(project, "esbuild")), 2);
  });
});

const WORKER = `
import relaxed from "@textower/backend-wasm/relaxed.wasm";
import config from "config.json";
import model from "model.safetensors";
import { wasm } from "@textower/backend-wasm";
import { createTokenizer } from "@textower/tokenizer";
import { createTextEncoder, similarity } from "textower";

export default {
  async fetch() {
    const encoder = await createTextEncoder({ model, config, backend: wasm({ kernels: { relaxed } }) });
    const { embeddings } = await encoder.encode(["a red circle", "a red disc", "a blue star"]);
    const { backend, threads, notes } = encoder.info;
    const scores = similarity([embeddings[0]], embeddings)[0];
    const ids = [...createTokenizer().encode("a cat").ids];
    return Response.json({ backend, threads, notes, scores: [...scores], ids });
  },
};
`;

const page = (script) =>
  `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;
const WEBPACK_CONFIG = `module.exports = {
  mode: "production",
  performance: false,
  entry: "./src/page.js",
  output: { path: __dirname + "/webpack", filename: "main.js", module: true },
  experiments: { outputModule: true },
};`;

/** Serves a folder to a page that is cross-origin isolated. @returns what the program reports */
async function open(browser, site) {
  const server = await serveSite(site);
  const tab = await browser.newPage();
  const errors = [];
  const said = () => JSON.stringify({ missing: server.requests.filter(({ bytes }) => bytes === -1), errors });
  tab.on("pageerror", (error) => errors.push(String(error)));
  tab.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  try {
    const outcome = new Promise((resolve, reject) => {
      void tab.exposeFunction("report", resolve).then(async () => {
        await tab.goto(server.url);
        tab.on("pageerror", reject);
      }, reject);
    });
    return await Promise.race([
      outcome,
      new Promise((_, reject) => setTimeout(() => reject(new Error(`no outcome: ${said()}`)), 60_000)),
    ]);
  } finally {
    await tab.close();
    await server.close();
  }
}
