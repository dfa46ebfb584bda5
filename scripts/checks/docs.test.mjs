/**
 * The code in READMEs and guides: every block of `ts` and `js` has to hold its types and to run, in Node, as it stands.
 * Names of the Hub lead to a hub on loopback, which has the shapes model under each; file names to copies of it.
 * Blocks marked `fragment` are parts of something, and stay unread.
 */
import { execFile, execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commitOf, startHub } from "../../packages/hub/test/hub-server.mjs";
import { exportTextModel } from "../../packages/backend-onnx/dist/index.js";
import { buildTextEncoder } from "../../packages/model/dist/index.js";
import { openCheckpoint } from "../../packages/weights/dist/index.js";
import { shapesModel } from "../../packages/model-shapes/dist/index.js";
import { entryPoints, root } from "../workspace.mjs";

/** Repositories that examples name. */
const REPOSITORIES = ["openai/clip-vit-base-patch32", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"];
/** Files that examples name, without a config beside them. */
const FILES = ["ViT-B-32.safetensors", "ViT-B-32.pt"]; // known by their first bytes, not by their names

const blocks = documents().flatMap(blocksOf);
const work = join(root, "docs/.cache/blocks");
const folder = mkdtempSync(join(tmpdir(), "textower-docs-"));
let hub;

beforeAll(async () => {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  for (const { name, language, code } of blocks) {
    // Modules, also where nothing is imported or exported.
    writeFileSync(join(work, `${name}.m${language}`), `${code}\nexport {};\n`);
  }
  const model = fileURLToPath(shapesModel.model);
  const config = fileURLToPath(shapesModel.config);
  for (const file of FILES) copyFileSync(model, join(folder, file));
  mkdirSync(join(folder, "clip-vit-base-patch32"));
  copyFileSync(model, join(folder, "clip-vit-base-patch32/model.safetensors"));
  copyFileSync(config, join(folder, "clip-vit-base-patch32/config.json"));
  await exportModel(join(folder, "clip-vit-base-patch32/onnx/text_model.onnx"));
  const commit = commitOf("docs");
  const files = { "config.json": readFileSync(config), "model.safetensors": readFileSync(model) };
  const repository = { branches: { main: commit }, commits: { [commit]: files } };
  hub = await startHub({ repositories: Object.fromEntries(REPOSITORIES.map((name) => [name, repository])) });
});
afterAll(async () => {
  await hub?.close();
  rmSync(folder, { recursive: true });
});

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
    const env = {
      ...process.env,
      HF_ENDPOINT: hub.endpoint,
      HF_HUB_CACHE: join(folder, "cache", name),
      HF_TOKEN: "",
    };
    const { error, stdout, stderr } = await new Promise((resolve) => {
      execFile(process.execPath, [path], { cwd: folder, env, timeout: 120_000 }, (error, stdout, stderr) =>
        resolve({ error, stdout, stderr }),
      );
    });
    expect(error, `${stdout}\n${stderr}`).toBeNull();
  });
});

test("the API reference is made, and no link in a docstring leads nowhere", () => {
  const out = join(folder, "api");
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

/** The shapes model as an ONNX text model, as others publish theirs. */
async function exportModel(path) {
  const checkpoint = await openCheckpoint(shapesModel.model);
  const { descriptor } = checkpoint;
  const { files } = exportTextModel(buildTextEncoder(descriptor), checkpoint, descriptor);
  mkdirSync(dirname(path));
  await writeFile(path, files[0].pieces());
  await checkpoint.close();
}

/** Paths of everything that is written for users. */
function documents() {
  const readmes = ["packages", "examples"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}/README.md`),
  );
  const guides = readdirSync(join(root, "docs"))
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`);
  const own = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "benchmarks/README.md"];
  return [...own, ...readmes, ...guides].filter((path) => {
    try {
      readFileSync(join(root, path));
      return true;
    } catch {
      return false;
    }
  });
}

/** The blocks of a document that are to run. */
function blocksOf(path) {
  const text = readFileSync(join(root, path), "utf8");
  return [...text.matchAll(/^```(ts|js)\n([\s\S]*?)^```$/gm)].map(([, language, code], i) => ({
    title: `${path}, ${i + 1}`,
    name: `${path.replaceAll(/[/.]/g, "-")}-${i + 1}`,
    language,
    code,
  }));
}

function tsc() {
  return join(root, "node_modules/typescript/bin/tsc");
}
