/** Names, known models, the environment, and the public surface. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { expect, it } from "vitest";
import * as browser from "../src/browser.js";
import * as hub from "../src/index.js";
import { isHubName, knownModels, parseReference } from "../src/index.js";
import { surroundingsOf } from "../src/node/environment.js";
import { openHubOn } from "../src/open-hub.js";
import { noise, sha256, startHub } from "./hub-server.mjs";
import { expectBytes, impatient, readAll, readPart, temporaryFolder } from "./support.js";

it("exports this list, in browsers too", () => {
  const list = [
    "HubError",
    "clearCache",
    "estimateCache",
    "findKnownModel",
    "isHubName",
    "knownModels",
    "openHub",
    "parseReference",
  ];
  expect(Object.keys(hub).sort()).toEqual(list);
  expect(Object.keys(browser).sort()).toEqual(list);
});

it("has nothing of Node in a bundle for browsers", async () => {
  const input = new URL("../dist/browser.js", import.meta.url).pathname;
  const bundle = await rolldown({ input, platform: "browser" });
  const { output } = await bundle.generate({ format: "esm" });
  const [chunk] = output;
  expect(chunk.imports.concat(chunk.dynamicImports)).toEqual([]);
  expect(chunk.code).not.toMatch(/["']node:|process\.env/);
  await bundle.close();
});

it("reads names", () => {
  expect(parseReference("openai/clip-vit-base-patch32")).toEqual({
    repository: "openai/clip-vit-base-patch32",
    revision: "main",
  });
  expect(parseReference("a/b@refs/pr/1").revision).toBe("refs/pr/1");
  expect(parseReference("a/b@v1@2").revision).toBe("v1@2");
  for (const name of ["ViT-B/32", "ViT-L/14@336px", "RN50", "laion/x_1.y"])
    expect(isHubName(name)).toBe(true);
  for (const name of ["shapes", "./a/b", "a/b/c", "model.safetensors", "https://a/b", "C:\\a", ""]) {
    expect(isHubName(name)).toBe(false);
  }
});

it("knows models by name, each with its activation", () => {
  const names = knownModels.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(knownModels.filter(({ archive }) => archive !== undefined)).toHaveLength(9);
  for (const { name, archive } of knownModels) {
    if (archive === undefined) expect(parseReference(name).repository).toBe(name);
    else expect(archive.url).toContain(`/${archive.sha256}/${archive.file}`);
  }
  const activation = (name: string): unknown => hub.findKnownModel(name)?.activation;
  expect(activation("ViT-L/14@336px")).toBe("quick_gelu");
  expect(activation("apple/DFN2B-CLIP-ViT-L-14@main")).toBe("quick_gelu");
  expect(activation("apple/DFN2B-CLIP-ViT-L-14-39B")).toBe("gelu");
  expect(activation("some/model")).toBeUndefined();
  expect(activation("ViT-B/32@main")).toBeUndefined();
});

it("opens OpenAI's archives where they lie, under their published digests", async () => {
  const { archive } = hub.findKnownModel("ViT-B/32")!;
  const file = noise(9 * 2 ** 20, 5);
  const path = new URL(archive!.url).pathname;
  const server = await startHub({ repositories: {}, archives: { [path]: file } });
  const asked: Headers[] = [];
  const options = {
    endpoint: server.endpoint,
    cacheDirectory: temporaryFolder(),
    token: "hf_secret",
    fetch: (url: string | URL | Request, init?: RequestInit) => {
      asked.push(new Headers(init?.headers));
      expect(new URL(url as string).origin).toBe(new URL(archive!.url).origin);
      return fetch(new URL(new URL(url as string).pathname, server.storage), init);
    },
  };
  const collection = await openHubOn(impatient(), "ViT-B/32", options);
  expect(collection.activation).toBe("quick_gelu");
  expect(await collection.list()).toEqual(["ViT-B-32.pt"]);
  const source = (await collection.open("ViT-B-32.pt"))!;
  expectBytes(await readPart(source, 1_000_000, 2_000_000), file.subarray(1_000_000, 2_000_000));
  // These bytes are not what OpenAI published, and whole they are refused for it.
  const whole = await openHubOn(impatient(), "ViT-B/32", { ...options, download: "whole" });
  await expect(readAll(whole, "ViT-B-32.pt")).rejects.toMatchObject({
    code: "hash-mismatch",
    message: expect.stringContaining(`expected sha256 ${archive!.sha256}, got ${sha256(file)}`),
  });
  for (const headers of asked) expect(headers.get("authorization")).toBeNull();
  await server.close();
});

it("reads the Hub's environment variables", async () => {
  const home = temporaryFolder();
  expect(await surroundingsOf({ HF_HOME: home })).toEqual({
    cacheDirectory: join(home, "hub"),
    offline: false,
  });
  const defaults = await surroundingsOf({ HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" });
  expect(defaults.cacheDirectory).toBe(join(homedir(), ".cache/huggingface/hub"));
  const caches = { XDG_CACHE_HOME: home };
  expect((await surroundingsOf(caches)).cacheDirectory).toBe(join(home, "huggingface/hub"));
  writeFileSync(join(home, "token"), "hf_from_file\n");
  mkdirSync(join(home, "x"));
  writeFileSync(join(home, "x/token"), " hf_elsewhere ");
  const token = async (env: Record<string, string>): Promise<unknown> =>
    (await surroundingsOf({ HF_HOME: home, ...env })).token;
  expect(await token({})).toBe("hf_from_file");
  expect(await token({ HF_TOKEN_PATH: join(home, "x/token") })).toBe("hf_elsewhere");
  expect(await token({ HUGGING_FACE_HUB_TOKEN: "hf_legacy" })).toBe("hf_legacy");
  expect(await token({ HF_TOKEN: "hf_named\r\n", HUGGING_FACE_HUB_TOKEN: "hf_legacy" })).toBe("hf_named");
  expect(await token({ HF_TOKEN: "hf_named", HF_HUB_DISABLE_IMPLICIT_TOKEN: "yes" })).toBeUndefined();
  const all = await surroundingsOf({
    HF_ENDPOINT: "https://hub.example/",
    HF_HUB_CACHE: "~/somewhere",
    HUGGINGFACE_HUB_CACHE: "/legacy",
    HF_HUB_OFFLINE: "on",
    HF_HUB_DOWNLOAD_TIMEOUT: "3",
    HF_TOKEN: "t",
  });
  expect(all).toEqual({
    endpoint: "https://hub.example/",
    cacheDirectory: join(homedir(), "somewhere"),
    offline: true,
    timeoutMs: 3000,
    token: "t",
  });
  const offline = async (env: Record<string, string>): Promise<unknown> =>
    (await surroundingsOf(env)).offline;
  expect(await offline({ TRANSFORMERS_OFFLINE: "True" })).toBe(true);
  expect(await offline({ HF_HUB_OFFLINE: "0" })).toBe(false);
});

it("sets what it is told to, and counts and clears its cache", async () => {
  const small = noise(5000);
  const large = noise(9 * 2 ** 20);
  const commit = "4".repeat(40);
  const files = { "config.json": small, "model.safetensors": large };
  const repositories = { "a/b": { branches: { main: commit }, commits: { [commit]: files } } };
  const server = await startHub({ repositories });
  const cacheDirectory = temporaryFolder();
  const collection = await hub.openHub("a/b", {
    endpoint: `${server.endpoint}/`,
    cacheDirectory,
    token: null,
  });
  await readAll(collection, "config.json");
  const source = (await collection.open("model.safetensors"))!;
  await readPart(source, 0, 1);
  const [estimate] = (await hub.estimateCache({ cacheDirectory })).repositories;
  expect(estimate).toMatchObject({ repository: "a/b", fileBytes: small.length + commit.length });
  expect(estimate!.blockBytes).toBeGreaterThan(65536);
  expect(estimate!.blockBytes).toBeLessThan(67000);
  await hub.clearCache({ cacheDirectory });
  expect((await hub.estimateCache({ cacheDirectory })).bytes).toBe(small.length + commit.length);
  expect(readFileSync(join(cacheDirectory, "models--a--b/snapshots", commit, "config.json"))).toHaveLength(
    5000,
  );
  await hub.clearCache({ cacheDirectory, repository: "a/b" });
  expect(await hub.estimateCache({ cacheDirectory })).toEqual({ bytes: 0, repositories: [] });
  await expect(hub.clearCache({ cacheDirectory, repository: "../x" })).rejects.toMatchObject({
    code: "bad-name",
  });
  await server.close();
});
