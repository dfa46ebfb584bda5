/** Processes that share a cache, are killed, or run against a limit of the system. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { takeLock } from "../src/node/lock.js";
import { sha256, startHub } from "./hub-server.mjs";
import type { TestHub } from "./hub-server.mjs";
import {
  expectBytes,
  expectSoundCache,
  filesBelow,
  folderOf,
  LARGE,
  NAME,
  open,
  readAll,
  repository,
  temporaryFolder,
} from "./support.js";

const SCRIPT = new URL("download-process.mjs", import.meta.url).pathname;
const DIGEST = sha256(LARGE);
const hasFlock = spawnSync("flock", ["--version"]).error === undefined;
const noFlock = hasFlock ? "" : " (skipped: no flock command)";
const isRoot = process.getuid?.() === 0;
const needed = process.env["CI"] === "true";
const hasPrlimit = spawnSync("prlimit", ["--version"]).error === undefined;

let hub: TestHub;
beforeAll(async () => {
  hub = await startHub({ repositories: { [NAME]: repository() } });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.requests.length = 0;
  hub.sent = 0;
  delete hub.pace;
});

interface Outcome {
  readonly sha256?: string;
  readonly code?: string;
}

function start(options: object, command: readonly string[] = []): ChildProcess {
  const given = JSON.stringify({ endpoint: hub.endpoint, download: "whole", retries: 1, ...options });
  const [program, ...rest] = [...command, process.execPath, SCRIPT, given];
  return spawn(program!, rest, { stdio: ["ignore", "pipe", "pipe"] });
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let output = "";
  child.stdout!.on("data", (chunk) => (output += String(chunk)));
  await new Promise((resolve) => child.once("close", resolve));
  return JSON.parse(output) as Outcome;
}

/** Waits until an unfinished file has this many bytes. */
async function waitForBytes(folder: string, bytes: number): Promise<void> {
  for (;;) {
    const blobs = join(folderOf(folder), "blobs");
    const sizes = filesBelow(blobs).map(
      (name) => statSync(join(blobs, name), { throwIfNoEntry: false })?.size ?? 0,
    );
    if (sizes.some((size) => size >= bytes)) return;
    await sleep(5);
  }
}

const storageRanges = (): (string | undefined)[] =>
  hub.requests.filter(({ server }) => server === "storage").map(({ range }) => range);

describe("two processes at once", () => {
  it.skipIf(!hasFlock && !needed)(`download once${noFlock}`, async () => {
    const folder = temporaryFolder();
    hub.pace = 2;
    const children = [
      start({ cacheDirectory: folder }),
      start({ cacheDirectory: folder }),
      start({ cacheDirectory: folder }),
    ];
    const outcomes = await Promise.all(children.map(outcomeOf));
    expect(outcomes).toEqual([{ sha256: DIGEST }, { sha256: DIGEST }, { sha256: DIGEST }]);
    expect(storageRanges()).toEqual([`bytes=0-${LARGE.length - 1}`]);
    expectSoundCache(folder);
    expect(filesBelow(join(folderOf(folder), "blobs"))).toEqual([DIGEST]);
  });

  it("both end right where there are no locks", async () => {
    const folder = temporaryFolder();
    hub.pace = 1;
    // Without a PATH nobody finds the command.
    const command = ["/usr/bin/env", "PATH=/nowhere"];
    const children = [start({ cacheDirectory: folder }, command), start({ cacheDirectory: folder }, command)];
    const outcomes = await Promise.all(children.map(outcomeOf));
    expect(outcomes).toEqual([{ sha256: DIGEST }, { sha256: DIGEST }]);
    expectSoundCache(folder);
    expect(filesBelow(join(folderOf(folder), "blobs"))).toEqual([DIGEST]);
  });

  it("both end right by range", async () => {
    const folder = temporaryFolder();
    const options = { cacheDirectory: folder, download: "ranges" };
    const outcomes = await Promise.all([start(options), start(options)].map(outcomeOf));
    expect(outcomes).toEqual([{ sha256: DIGEST }, { sha256: DIGEST }]);
    expectSoundCache(folder);
  });
});

describe("a killed process", () => {
  it("is continued where it was, by whoever comes next", async () => {
    const folder = temporaryFolder();
    hub.pace = 3;
    let kept = 0;
    for (const goal of [1_000_000, 2_500_000, 6_000_000]) {
      const child = start({ cacheDirectory: folder });
      const closed = new Promise((resolve) => child.once("close", resolve));
      await waitForBytes(folder, goal);
      child.kill("SIGKILL");
      await closed;
      const blobs = join(folderOf(folder), "blobs");
      const [left] = filesBelow(blobs);
      const size = statSync(join(blobs, left!)).size;
      expect(size).toBeGreaterThanOrEqual(goal);
      expect(size).toBeGreaterThan(kept);
      if (hasFlock && kept > 0) expect(storageRanges().at(-1)).toBe(`bytes=${kept}-${LARGE.length - 1}`);
      kept = size;
    }
    delete hub.pace;
    hub.requests.length = 0;
    const collection = await open(hub, folder, { download: "whole" });
    expectBytes(await readAll(collection, "model.safetensors"), LARGE);
    if (hasFlock) expect(storageRanges()).toEqual([`bytes=${kept}-${LARGE.length - 1}`]);
    expectSoundCache(folder);
  });

  it("while another waits: the other takes over at once", async () => {
    const folder = temporaryFolder();
    hub.pace = 3;
    const first = start({ cacheDirectory: folder });
    await waitForBytes(folder, 500_000);
    const second = outcomeOf(start({ cacheDirectory: folder }));
    await waitForBytes(folder, 1_500_000);
    first.kill("SIGKILL");
    delete hub.pace;
    expect(await second).toEqual({ sha256: DIGEST });
    expectSoundCache(folder);
  });

  it("by range leaves sound blocks", async () => {
    const folder = temporaryFolder();
    hub.pace = 1;
    const child = start({ cacheDirectory: folder, download: "ranges" });
    while (hub.sent < 8_700_000) await sleep(5);
    const closed = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await closed;
    expectSoundCache(folder);
    delete hub.pace;
    expectBytes(await readAll(await open(hub, folder), "model.safetensors"), LARGE);
  });
});

describe("what is left unfinished", () => {
  const blobs = (folder: string): string => {
    const path = join(folderOf(folder), "blobs");
    mkdirSync(path, { recursive: true });
    return path;
  };

  it.skipIf(!hasFlock && !needed)(
    `by the Hub's own tools is continued, and what is wrong in it found${noFlock}`,
    async () => {
      const folder = temporaryFolder();
      writeFileSync(join(blobs(folder), `${DIGEST}.incomplete`), LARGE.subarray(0, 3_000_001));
      writeFileSync(join(blobs(folder), `${DIGEST}.0123abcd.incomplete`), LARGE.subarray(0, 4_000_000));
      expectBytes(await readAll(await open(hub, folder, { download: "whole" }), "model.safetensors"), LARGE);
      expect(storageRanges()).toEqual([`bytes=4000000-${LARGE.length - 1}`]);
      expect(readdirSync(blobs(folder))).toEqual([DIGEST]);

      const other = temporaryFolder();
      writeFileSync(join(blobs(other), `${DIGEST}.0123abcd.incomplete`), new Uint8Array(4_000_000));
      expectBytes(await readAll(await open(hub, other, { download: "whole" }), "model.safetensors"), LARGE);
      expect(storageRanges().slice(1)).toEqual([
        `bytes=4000000-${LARGE.length - 1}`,
        `bytes=0-${LARGE.length - 1}`,
      ]);
      expect(readdirSync(blobs(other))).toEqual([DIGEST]);
    },
  );

  it("may be complete already", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(blobs(folder), `${DIGEST}.0123abcd.incomplete`), LARGE);
    expectBytes(await readAll(await open(hub, folder, { download: "whole" }), "model.safetensors"), LARGE);
    expectSoundCache(folder);
  });
});

describe.skipIf(!hasFlock && !needed)(`locks${noFlock}`, () => {
  it("left behind hold nobody up", async () => {
    const path = join(temporaryFolder(), "x", "y.lock");
    mkdirSync(join(path, ".."));
    writeFileSync(path, "99999\nsome-host\n");
    const lock = await takeLock(path, undefined);
    expect(lock.held).toBe(true);
    await lock.release();
    await lock.release();
    expect(readdirSync(join(path, ".."))).toEqual([]);
  });

  it("of another program are waited for, and keep it out", async () => {
    const path = join(temporaryFolder(), "y.lock");
    // As the Hub's own tools: flock(2) on this file.
    const other = spawn("flock", ["-x", path, "sh", "-c", "echo locked; read line"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    await new Promise((resolve) => other.stdout.once("data", resolve));
    let taken = false;
    const waiting = takeLock(path, undefined).then((lock) => {
      taken = true;
      return lock;
    });
    await expect(takeLock(path, AbortSignal.timeout(100))).rejects.toMatchObject({ name: "TimeoutError" });
    expect(taken).toBe(false);
    other.stdin.end("\n");
    const lock = await waiting;
    expect(spawnSync("flock", ["-n", path, "true"]).status).toBe(1);
    await lock.release();
    expect(spawnSync("flock", ["-n", path, "true"]).status).toBe(0);
  });

  it("are taken by one at a time", async () => {
    const path = join(temporaryFolder(), "y.lock");
    let inside = 0;
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const lock = await takeLock(path, undefined);
        expect(++inside).toBe(1);
        await sleep(3);
        inside--;
        await lock.release();
      }),
    );
    expect(readdirSync(join(path, ".."))).toEqual([]);
  });
});

describe("limits of the system", () => {
  it.skipIf(!hasPrlimit && !needed)(
    `no space${hasPrlimit ? "" : " (skipped: no prlimit command)"}`,
    async () => {
      const folder = temporaryFolder();
      const limited = start({ cacheDirectory: folder }, ["prlimit", "--fsize=3000000"]);
      expect(await outcomeOf(limited)).toMatchObject({ name: "HubError", code: "no-space" });
      expectSoundCache(folder);
      // By range it goes on without a cache.
      const byRange = start({ cacheDirectory: folder, download: "ranges" }, ["prlimit", "--fsize=3000000"]);
      expect(await outcomeOf(byRange)).toEqual({ sha256: DIGEST });
      expectSoundCache(folder);
      expectBytes(await readAll(await open(hub, folder, { download: "whole" }), "model.safetensors"), LARGE);
      expectSoundCache(folder);
    },
  );

  it("a cache that is read-only", async () => {
    // Root may write anywhere, so a process of root's becomes nobody.
    const who = isRoot ? { uid: 65534 } : {};
    const folder = mkdtempSync(join(tmpdir(), "textower-hub-"));
    try {
      chmodSync(folder, 0o555);
      const options = { cacheDirectory: folder, ...who };
      expect(await outcomeOf(start(options))).toMatchObject({ name: "HubError", code: "cache-not-writable" });
      expect(await outcomeOf(start({ ...options, download: "ranges" }))).toEqual({ sha256: DIGEST });
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      chmodSync(folder, 0o755);
      rmSync(folder, { recursive: true });
    }
  });
});
