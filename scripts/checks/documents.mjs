/** What is written for users, the code in it, and a place where that code can run as it stands. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { commitOf, startHub } from "../../packages/hub/test/hub-server.mjs";
import { exportTextModel } from "../../packages/backend-onnx/dist/index.js";
import { buildTextEncoder } from "../../packages/model/dist/index.js";
import { openCheckpoint } from "../../packages/weights/dist/index.js";
import { shapesModel } from "../../packages/model-shapes/dist/index.js";
import { root } from "../workspace.mjs";

/** Repositories that examples name. */
const REPOSITORIES = ["openai/clip-vit-base-patch32", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"];
/** Files that examples name, without a config beside them. */
const FILES = ["ViT-B-32.safetensors", "ViT-B-32.pt"]; // known by their first bytes, not by their names

/** Paths of everything that is written for users. */
export function documents() {
  const readmes = ["packages", "examples"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}/README.md`),
  );
  const guides = readdirSync(join(root, "docs"))
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`);
  const own = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "benchmarks/README.md"];
  return [...own, ...readmes, ...guides].filter((path) => existsSync(join(root, path)));
}

/**
 * The blocks of a document that are to run.
 * @param {string} path - from the root
 * @param {readonly string[]} languages - as the blocks say them; "" for those that say nothing
 */
export function blocksOf(path, languages) {
  const text = readFileSync(join(root, path), "utf8");
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)]
    .filter(([, language]) => languages.includes(language))
    .map(([, language, code], i) => ({
      title: `${path}, ${i + 1}`,
      name: `${path.replaceAll(/[/.]/g, "-")}-${i + 1}`,
      language,
      code,
    }));
}

/**
 * A folder with the files that examples name, and a hub on loopback: the shapes model under each name.
 * @returns `environment(name)`: variables for a process, with a cache of its own
 */
export async function makeSurroundings() {
  const folder = mkdtempSync(join(tmpdir(), "textower-docs-"));
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
  const hub = await startHub({
    repositories: Object.fromEntries(REPOSITORIES.map((name) => [name, repository])),
  });
  return {
    folder,
    environment: (name) => ({
      ...process.env,
      HF_ENDPOINT: hub.endpoint,
      HF_HUB_CACHE: join(folder, "cache", name),
      HF_TOKEN: "",
    }),
    async close() {
      await hub.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** The shapes model as an ONNX text model, as others publish theirs. */
async function exportModel(path) {
  const checkpoint = await openCheckpoint(shapesModel.model);
  const { descriptor } = checkpoint;
  const { files } = exportTextModel(buildTextEncoder(descriptor), checkpoint, descriptor);
  mkdirSync(dirname(path));
  await writeFile(path, files[0].pieces());
  await checkpoint.close();
}
