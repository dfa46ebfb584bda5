/** Reading from a hub that behaves: what is fetched, what is kept, what is shared. */
import { lstatSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HubProgress } from "../src/index.js";
import { gitSha1, sha256, startHub } from "./hub-server.mjs";
import type { TestHub } from "./hub-server.mjs";
import {
  COMMIT,
  CONFIG,
  expectBytes,
  expectSoundCache,
  FILES,
  filesBelow,
  folderOf,
  LARGE,
  NAME,
  open,
  readAll,
  readPart,
  repository,
  temporaryFolder,
} from "./support.js";

let hub: TestHub;
beforeAll(async () => {
  hub = await startHub({ repositories: { [NAME]: repository() } });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.requests.length = 0;
  hub.sent = 0;
});

describe("a collection", () => {
  it("says what it is", async () => {
    const collection = await open(hub, temporaryFolder());
    expect(collection).toMatchObject({ name: NAME, repository: NAME, revision: "main", commit: COMMIT });
    expect(collection.activation).toBeUndefined();
    expect(await collection.list()).toEqual(Object.keys(FILES));
    expect(hub.requests).toHaveLength(1);
  });

  it("has no other files than those listed, and asks nobody about them", async () => {
    const collection = await open(hub, temporaryFolder());
    expect(await collection.open("open_clip_config.json")).toBeUndefined();
    expect(hub.requests).toHaveLength(1);
  });

  it("may be at a branch, a commit or a pull request", async () => {
    hub.repositories["some/branches"] = repository({
      branches: { main: "0".repeat(40), "refs/pr/1": COMMIT },
    });
    const folder = temporaryFolder();
    const byCommit = await open(hub, folder, {}, `some/branches@${COMMIT}`);
    expectBytes(await readAll(byCommit, "config.json"), CONFIG);
    const byRequest = await open(hub, folder, {}, "some/branches@refs/pr/1");
    expect(byRequest.commit).toBe(COMMIT);
    expectBytes(await readAll(byRequest, "sub/small.bin"), FILES["sub/small.bin"]);
    expect(filesBelow(join(folderOf(folder, "some/branches"), "refs"))).toEqual(["refs/pr/1"]);
    await expect(open(hub, folder, {}, "some/branches@gone")).rejects.toMatchObject({
      code: "revision-not-found",
    });
  });

  it("stays at its commit while the branch moves on", async () => {
    const second = "2".repeat(40);
    const files = { "config.json": new TextEncoder().encode("{}") };
    hub.repositories["some/moving"] = repository();
    const before = await open(hub, temporaryFolder(), {}, "some/moving");
    hub.repositories["some/moving"] = repository({
      branches: { main: second },
      commits: { [COMMIT]: FILES, [second]: files },
    });
    expectBytes(await readAll(before, "config.json"), CONFIG);
    const after = await open(hub, temporaryFolder(), {}, "some/moving");
    expectBytes(await readAll(after, "config.json"), files["config.json"]);
  });
});

describe("small files", () => {
  it("are fetched whole, checked, and kept as the Hub's tools keep them", async () => {
    const folder = temporaryFolder();
    const collection = await open(hub, folder);
    expectBytes(await readAll(collection, "config.json"), CONFIG);
    expectBytes(await readAll(collection, "sub/small.bin"), FILES["sub/small.bin"]);
    const snapshot = join(folderOf(folder), "snapshots", COMMIT);
    expect(readlinkSync(join(snapshot, "config.json"))).toBe(`../../blobs/${gitSha1(CONFIG)}`);
    expect(readlinkSync(join(snapshot, "sub/small.bin"))).toBe(
      `../../../blobs/${sha256(FILES["sub/small.bin"])}`,
    );
    expect(readFileSync(join(folderOf(folder), "refs/main"), "latin1")).toBe(COMMIT);
    expectSoundCache(folder);

    hub.requests.length = 0;
    const again = await open(hub, folder);
    expectBytes(await readAll(again, "config.json"), CONFIG);
    expect(hub.requests).toHaveLength(1); // the branch might have moved
  });

  it("may be empty", async () => {
    const commits = { [COMMIT]: { "empty.txt": new Uint8Array(0), "empty.bin": new Uint8Array(0) } };
    hub.repositories["some/empty"] = repository({ commits });
    const folder = temporaryFolder();
    const collection = await open(hub, folder, {}, "some/empty");
    for (const path of ["empty.txt", "empty.bin"])
      expectBytes(await readAll(collection, path), new Uint8Array(0));
    expect(filesBelow(join(folderOf(folder, "some/empty"), "blobs"))).toEqual(
      [gitSha1(new Uint8Array(0)), sha256(new Uint8Array(0))].sort(),
    );
  });

  it("are copies where links are not wanted", async () => {
    process.env["HF_HUB_DISABLE_SYMLINKS"] = "1";
    try {
      const folder = temporaryFolder();
      expectBytes(await readAll(await open(hub, folder), "config.json"), CONFIG);
      const path = join(folderOf(folder), "snapshots", COMMIT, "config.json");
      expect(lstatSync(path).isSymbolicLink()).toBe(false);
      expectSoundCache(folder);
    } finally {
      delete process.env["HF_HUB_DISABLE_SYMLINKS"];
    }
  });
});

describe("large files by range", () => {
  it("cost what is read, in blocks", async () => {
    const folder = temporaryFolder();
    const source = (await (await open(hub, folder)).open("model.safetensors"))!;
    expect(source.size).toBe(LARGE.length);
    hub.sent = 0;
    for (const [begin, end] of [
      [0, 8],
      [8, 70_000], // one block is there, one is not
      [LARGE.length - 5, LARGE.length],
      [1_000_000, 1_000_001],
    ] as const) {
      expectBytes(await readPart(source, begin, end), LARGE.subarray(begin, end));
    }
    const lastBlock = LARGE.length % 65536;
    expect(hub.sent).toBe(3 * 65536 + lastBlock);
    expectSoundCache(folder);
    await source.close();
  });

  it("come in parallel pieces, and each byte once", async () => {
    const collection = await open(hub, temporaryFolder());
    const source = (await collection.open("model.safetensors"))!;
    hub.sent = 0;
    const reads = [
      [0, LARGE.length],
      [100, 5_000_000],
      [4_000_000, 9_000_000],
    ] as const;
    const got = await Promise.all(reads.map(([begin, end]) => readPart(source, begin, end)));
    reads.forEach(([begin, end], i) => expectBytes(got[i]!, LARGE.subarray(begin, end)));
    expect(hub.sent).toBe(LARGE.length);
    const ranges = hub.requests.filter(({ server }) => server === "storage").map(({ range }) => range);
    expect(ranges.sort()).toEqual([
      "bytes=0-4194303",
      "bytes=4194304-8388607",
      `bytes=8388608-${LARGE.length - 1}`,
    ]);
  });

  it("ask the hub where storage is once, not for each range", async () => {
    const source = (await (await open(hub, temporaryFolder())).open("model.safetensors"))!;
    hub.requests.length = 0;
    await readPart(source, 0, 10);
    await readPart(source, 500_000, 500_010);
    expect(hub.requests.map(({ server }) => server)).toEqual(["hub", "storage", "storage"]);
  });

  it("are kept: another collection reads them without the network", async () => {
    const folder = temporaryFolder();
    expectBytes(await readAll(await open(hub, folder), "model.safetensors"), LARGE);
    hub.requests.length = 0;
    const offline = await open(hub, folder, { offline: true });
    expectBytes(await readAll(offline, "model.safetensors"), LARGE);
    expect(hub.requests).toEqual([]);
  });

  it("are fetched again where the cache is damaged", async () => {
    const folder = temporaryFolder();
    expectBytes(await readAll(await open(hub, folder), "model.safetensors"), LARGE);
    const blocks = join(folderOf(folder), ".textower", "blocks", sha256(LARGE));
    const [first, second] = filesBelow(blocks);
    const bytes = readFileSync(join(blocks, first!));
    bytes[1234]! ^= 1;
    writeFileSync(join(blocks, first!), bytes);
    writeFileSync(join(blocks, second!), readFileSync(join(blocks, second!)).subarray(1));
    hub.sent = 0;
    expectBytes(await readAll(await open(hub, folder), "model.safetensors"), LARGE);
    // Two of three runs, and a listing.
    const damaged = 4 * 2 ** 20 + (LARGE.length - 8 * 2 ** 20);
    expect(hub.sent).toBeGreaterThan(damaged);
    expect(hub.sent).toBeLessThan(damaged + 1000);
    expectSoundCache(folder);
  });

  it("may come from a hub that does not redirect", async () => {
    hub.repositories["some/direct"] = repository({ direct: true });
    const collection = await open(hub, temporaryFolder(), {}, "some/direct");
    expectBytes(await readAll(collection, "model.safetensors"), LARGE);
  });

  it("know their limits", async () => {
    const source = (await (await open(hub, temporaryFolder())).open("model.safetensors"))!;
    const read = (offset: number, length: number): Promise<void> =>
      source.read(offset, new Uint8Array(length));
    await expect(read(-1, 1)).rejects.toMatchObject({ name: "ByteSourceError", code: "out-of-range" });
    await expect(read(LARGE.length, 1)).rejects.toMatchObject({ code: "out-of-range" });
    await read(LARGE.length, 0);
    const pending = read(0, 100);
    await source.close();
    await expect(pending).rejects.toMatchObject({ name: "ByteSourceError", code: "closed" });
    await expect(read(0, 1)).rejects.toMatchObject({ name: "ByteSourceError", code: "closed" });
    await source.close();
  });
});

describe("large files whole", () => {
  it("become blobs that are what they should be", async () => {
    const folder = temporaryFolder();
    const collection = await open(hub, folder, { download: "whole" });
    expectBytes(await readAll(collection, "model.safetensors"), LARGE);
    const blob = join(folderOf(folder), "blobs", sha256(LARGE));
    expectBytes(readFileSync(blob), LARGE);
    expectSoundCache(folder);
    // By range later on: what is there is used.
    hub.requests.length = 0;
    expectBytes(await readAll(await open(hub, folder, { offline: true }), "model.safetensors"), LARGE);
    expect(hub.requests).toEqual([]);
  });

  it("are linked, not fetched, where another commit has the same content", async () => {
    const folder = temporaryFolder();
    await readAll(await open(hub, folder, { download: "whole" }), "model.safetensors");
    const second = "3".repeat(40);
    hub.repositories[NAME] = repository({
      branches: { main: COMMIT, next: second },
      commits: { [COMMIT]: FILES, [second]: { "renamed.safetensors": LARGE } },
    });
    hub.sent = 0;
    const next = await open(hub, folder, { download: "whole" }, `${NAME}@next`);
    expectBytes(await readAll(next, "renamed.safetensors"), LARGE);
    expect(hub.requests.filter(({ server }) => server === "storage")).toHaveLength(1);
    expect(filesBelow(join(folderOf(folder), "blobs"))).toEqual([sha256(LARGE)]);
  });
});

it("tells progress: bytes, totals, a rate, per file and overall", async () => {
  const events: HubProgress[] = [];
  const onProgress = (event: HubProgress): void => void events.push(event);
  const collection = await open(hub, temporaryFolder(), { download: "whole", onProgress });
  await readAll(collection, "model.safetensors");
  await readAll(collection, "config.json");
  const large = events.filter(({ path }) => path === "model.safetensors");
  expect(large.at(-1)).toMatchObject({ bytes: LARGE.length, total: LARGE.length });
  for (const [i, event] of large.entries()) {
    expect(event.bytes).toBeGreaterThan(large[i - 1]?.bytes ?? 0);
    expect(event.rate).toBeGreaterThan(0);
  }
  const all = LARGE.length + CONFIG.length;
  expect(events.at(-1)).toMatchObject({ path: "config.json", overall: { bytes: all, total: all } });
});

it("stops when told to, and goes on later", async () => {
  hub.pace = 5;
  try {
    const folder = temporaryFolder();
    const controller = new AbortController();
    const reason = new Error("enough");
    const onProgress = (): void => controller.abort(reason);
    const first = await open(hub, folder, { download: "whole", onProgress });
    await expect(first.open("model.safetensors", controller.signal)).rejects.toBe(reason);
    expectSoundCache(folder);
    delete hub.pace;
    const left = filesBelow(join(folderOf(folder), "blobs"));
    expect(left).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.[0-9a-f]{8}\.incomplete$/)]);
    const size = lstatSync(join(folderOf(folder), "blobs", left[0]!)).size;
    expect(size).toBeGreaterThan(0);
    hub.requests.length = 0;
    expectBytes(await readAll(await open(hub, folder, { download: "whole" }), "model.safetensors"), LARGE);
    expect(hub.requests.at(-1)!.range).toBe(`bytes=${size}-${LARGE.length - 1}`);
    expect(filesBelow(join(folderOf(folder), "blobs"))).toEqual([sha256(LARGE)]);

    const byRange = (await (await open(hub, temporaryFolder())).open("model.safetensors"))!;
    hub.pace = 5;
    const read = byRange.read(0, new Uint8Array(1_000_000), AbortSignal.timeout(20));
    await expect(read).rejects.toMatchObject({ name: "TimeoutError" });
    await expect(open(hub, folder, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  } finally {
    delete hub.pace;
  }
});
