/** Files that lie together: directories, addresses, handles, lists of files; and checkpoints in several files. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  directoryCollection,
  filesCollection,
  handleCollection,
  openCheckpoint,
  urlCollection,
  writeSafetensors,
} from "../src/index.js";
import type { DirectoryHandle, FileCollection, StoredTensor } from "../src/index.js";
import { expectMicro, golden, goldenPath, tensorsOf } from "./golden.js";

const activation = "quick_gelu";
type Files = Record<string, string | Uint8Array>;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "textower-collections-"));
});
afterAll(() => rm(root, { recursive: true }));

let count = 0;
async function directory(files: Files): Promise<string> {
  const path = join(root, String(count++));
  await mkdir(path);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  }
  return path;
}

/** Serves files by ranges, and whole where none is asked for. @returns the base address, and what was asked for */
async function serve(files: Files): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!.slice("/base/".length));
    asked.push(path);
    if (!Object.hasOwn(files, path)) return void response.writeHead(404).end("nothing here");
    const body = Buffer.from(files[path]!);
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (match === null) return void response.end(body);
    const [begin, end] = [Number(match[1]), Math.min(Number(match[2]) + 1, body.length)];
    response.writeHead(206, { "Content-Range": `bytes ${begin}-${end - 1}/${body.length}` });
    response.end(body.subarray(begin, end));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`, asked };
}

/** A handle as browsers give it, on files in memory. */
function handle(files: Files, prefix = "", name = "dropped"): DirectoryHandle {
  const absent = (): never => {
    throw new DOMException("nothing there", "NotFoundError");
  };
  return {
    kind: "directory",
    name,
    async *keys() {
      yield* new Set(
        Object.keys(files)
          .filter((path) => path.startsWith(prefix))
          .map((path) => path.slice(prefix.length).split("/")[0]!),
      );
    },
    async getDirectoryHandle(child) {
      const below = `${prefix}${child}/`;
      return Object.keys(files).some((path) => path.startsWith(below))
        ? handle(files, below, child)
        : absent();
    },
    async getFileHandle(child) {
      const content = files[prefix + child];
      if (content === undefined) return absent();
      return { getFile: async () => new File([content as Uint8Array<ArrayBuffer>], child) };
    },
  };
}

const toFile = ([path, content]: [string, string | Uint8Array]): File =>
  new File([content as Uint8Array<ArrayBuffer>], path);

const kinds: [string, (files: Files) => Promise<FileCollection>][] = [
  ["a directory", async (files) => directoryCollection(await directory(files))],
  ["an address", async (files) => urlCollection((await serve(files)).url)],
  ["a directory handle", async (files) => handleCollection(handle(files))],
  ["a list of files", async (files) => filesCollection(Object.entries(files).map(toFile))],
];

const config = JSON.stringify({
  model_type: "clip_text_model",
  hidden_size: 64,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 1,
  vocab_size: 1024,
  eos_token_id: 1023,
});

describe.each(kinds)("%s", (_, collect) => {
  it("opens as a checkpoint with its config", async () => {
    const files = await collect({ "model.safetensors": golden("micro.hf"), "config.json": config });
    const checkpoint = await openCheckpoint(files);
    expect(checkpoint.origins.activation).toBe("config.json");
    await expectMicro(checkpoint);
    await checkpoint.close();
  });

  it("opens as a checkpoint in several files", async () => {
    const checkpoint = await openCheckpoint(await collect({ ...shards(), "config.json": config }));
    expect(checkpoint.format).toBe("safetensors");
    await expectMicro(checkpoint);
    await checkpoint.close();
    await expect(checkpoint.read("ln_final.bias")).rejects.toMatchObject({ code: "closed" });
  });

  it("has no checkpoint where there is none", async () => {
    const promise = openCheckpoint(await collect({ "readme.md": "hello" }));
    await expect(promise).rejects.toMatchObject({ name: "CheckpointError", code: "no-checkpoint" });
  });

  it.each(["../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "C:x", "a\\..\\b", "a\0b", "%2e%2e/x/.."])(
    "does not open %j",
    async (path) => {
      const files = await collect({ "a/x": "x" });
      await expect(files.open(path)).rejects.toMatchObject({ name: "ByteSourceError", code: "bad-path" });
    },
  );

  it("says undefined of what it does not have", async () => {
    const files = await collect({ "a.txt": "x" });
    expect(await files.open("b.txt")).toBeUndefined();
    expect(await files.open("%61.txt")).toBeUndefined();
    const names = await files.list();
    expect(names === undefined || names.includes("a.txt")).toBe(true);
  });
});

it("of files with paths opens what lies below the chosen directory", async () => {
  const file = Object.defineProperty(
    toFile(["model.safetensors", golden("micro.hf")]),
    "webkitRelativePath",
    {
      value: "clip/model.safetensors",
    },
  );
  expect(await filesCollection([file]).list()).toEqual(["model.safetensors"]);
  expect(() => filesCollection([file, file])).toThrow(/once/);
  const checkpoint = await openCheckpoint([file], { activation });
  await expectMicro(checkpoint);
});

/** micro in three files, the vision tower in one of its own. */
function shards(
  change: (weightMap: Record<string, string>, tensors: Map<string, StoredTensor>[]) => void = () => {},
) {
  const parts = [
    new Map<string, StoredTensor>(),
    new Map<string, StoredTensor>(),
    new Map<string, StoredTensor>(),
  ];
  const weightMap: Record<string, string> = {};
  const fileName = (part: number): string => `model-0000${part + 1}-of-00003.safetensors`;
  for (const [name, tensor] of tensorsOf(golden("micro.hf"))) {
    const part =
      name.startsWith("vision_model") || name.startsWith("visual_") ? 2 : name.includes("layers.1") ? 1 : 0;
    parts[part]!.set(name, tensor);
    weightMap[name] = fileName(part);
  }
  change(weightMap, parts);
  const files: Files = {
    "model.safetensors.index.json": JSON.stringify({
      metadata: { total_size: 955460, total_parameters: 1.5 },
      weight_map: weightMap,
    }),
  };
  for (const [part, tensors] of parts.entries()) files[fileName(part)] = writeSafetensors(tensors);
  return files;
}

describe("several files", () => {
  const open = (files: Files) =>
    openCheckpoint(filesCollection(Object.entries(files).map(toFile)), { activation });
  const NAME = "text_model.final_layer_norm.bias";

  it("leave the vision tower's file alone", async () => {
    const { url, asked } = await serve(shards());
    const checkpoint = await openCheckpoint(url, { activation });
    await expectMicro(checkpoint);
    expect(asked).not.toContain("model-00003-of-00003.safetensors");
  });

  it("of PyTorch are a checkpoint too", async () => {
    const PREFIX = "micro.";
    const index = "pytorch_model.bin.index.json";
    const files: Files = { [index]: new Uint8Array(await readFile(goldenPath(PREFIX + index))) };
    for (const part of [1, 2]) {
      const name = `pytorch_model-0000${part}-of-00002.bin`;
      files[name] = new Uint8Array(await readFile(goldenPath(PREFIX + name)));
    }
    const checkpoint = await open(files);
    expect(checkpoint.format).toBe("pytorch");
    await expectMicro(checkpoint);
  });

  it.each([
    [
      "CheckpointError missing-shard",
      shards((map, parts) => parts[0]!.delete(NAME) && (map[NAME] = "gone.safetensors")),
    ],
    ["CheckpointError shard-mismatch", shards((map) => (map[NAME] = "model-00002-of-00003.safetensors"))],
    ["CheckpointError shard-mismatch", shards((map) => delete map[NAME])],
    ["CheckpointError shard-mismatch", shards((_, parts) => parts[1]!.set(NAME, parts[0]!.get(NAME)!))],
    ["ByteSourceError bad-path", shards((map) => (map[NAME] = "../model.safetensors"))],
    ["ByteSourceError bad-path", shards((map) => (map[NAME] = "/etc/passwd"))],
    [
      "CheckpointError bad-index",
      { ...shards(), "model.safetensors.index.json": '{"weight_map":{"a":"x","a":"y"}}' },
    ],
    ["CheckpointError bad-index", { ...shards(), "model.safetensors.index.json": '{"weight_map":{"a":1}}' }],
    ["CheckpointError bad-index", { ...shards(), "model.safetensors.index.json": '{"weight_map":{}' }],
    [
      "SafetensorsError header-too-large",
      { ...shards(), "model-00001-of-00003.safetensors": "abcdefghijkl" },
    ],
  ])("are refused as %s: %#", async (expected, files) => {
    const error = (await open(files).catch((caught: unknown) => caught)) as { name: string; code: string };
    expect(`${error.name} ${error.code}`).toBe(expected);
  });

  it("have prototype names as names", async () => {
    const index = '{"weight_map":{"__proto__":"a.safetensors","constructor":"a.safetensors"}}';
    const promise = open({ "model.safetensors.index.json": index });
    await expect(promise).rejects.toMatchObject({ code: "missing-shard" });
    expect(({} as Record<string, unknown>)["a.safetensors"]).toBeUndefined();
  });
});
