/** What the tests share: a repository, a hub, a cache directory, and a look into that cache. */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, expect } from "vitest";
import type { ByteSource } from "@textower/weights";
import { nodePlatform } from "../src/node/platform.js";
import { openHubOn } from "../src/open-hub.js";
import type { HubCollection } from "../src/open-hub.js";
import type { HubOptions } from "../src/options.js";
import type { Platform } from "../src/platform.js";
import { commitOf, gitSha1, noise } from "./hub-server.mjs";
import type { TestHub, TestRepository } from "./hub-server.mjs";

export const NAME = "some/model";
export const COMMIT = commitOf("first");
/** Above the 4 MiB up to which files are fetched whole, and no multiple of a block. */
export const LARGE = noise(9 * 2 ** 20 + 12_345, 3);
export const CONFIG = new TextEncoder().encode('{"model_type":"clip"}\n');
export const FILES = {
  "model.safetensors": LARGE,
  "config.json": CONFIG,
  "sub/small.bin": noise(100_000, 4),
};

export function repository(more: Partial<TestRepository> = {}): TestRepository {
  return { branches: { main: COMMIT }, commits: { [COMMIT]: FILES }, ...more };
}

const folders: string[] = [];
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "textower-hub-"));
  folders.push(folder);
  return folder;
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Node, but nobody waits: what would be slept is noted. */
export function impatient(slept: number[] = []): Platform {
  return {
    ...nodePlatform,
    async sleep(milliseconds, signal) {
      slept.push(milliseconds);
      await nodePlatform.sleep(1, signal);
    },
    random: () => 1,
  };
}

/** Opens the test repository on a hub, in a cache, without waits between attempts. */
export function open(
  hub: TestHub,
  cacheDirectory: string,
  options: HubOptions = {},
  name = NAME,
): Promise<HubCollection> {
  const given = { endpoint: hub.endpoint, cacheDirectory, token: null, timeoutMs: 2000, ...options };
  return openHubOn(impatient(), name, given);
}

/** All bytes of a file. */
export async function readAll(
  collection: HubCollection,
  path: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const source = (await collection.open(path, signal))!;
  try {
    const bytes = new Uint8Array(source.size);
    await source.read(0, bytes, signal);
    return bytes;
  } finally {
    await source.close();
  }
}

export async function readPart(source: ByteSource, begin: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin);
  await source.read(begin, bytes);
  return bytes;
}

/** Equal, without printing megabytes when not. */
export function expectBytes(got: Uint8Array, expected: Uint8Array): void {
  expect(got.length).toBe(expected.length);
  expect(Buffer.compare(got, expected), "the same bytes").toBe(0);
}

export function folderOf(cacheDirectory: string, name = NAME): string {
  return join(cacheDirectory, `models--${name.replace("/", "--")}`);
}

/** Files below a folder, links included. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !lstatSync(join(folder, name)).isDirectory())
    .sort();
}

/**
 * Holds a cache against what it may be: blobs that are what their names say, snapshots that lead to the right content,
 * blocks with their digests, and no lock.
 */
export function expectSoundCache(
  cacheDirectory: string,
  files: Readonly<Record<string, Uint8Array>> = FILES,
): void {
  expect(filesBelow(join(cacheDirectory, ".locks")), "no lock left behind").toEqual([]);
  const folder = folderOf(cacheDirectory);
  for (const name of filesBelow(join(folder, "blobs"))) {
    if (name.endsWith(".incomplete")) continue;
    const bytes = readFileSync(join(folder, "blobs", name));
    expect(name).toBe(name.length === 64 ? createHash("sha256").update(bytes).digest("hex") : gitSha1(bytes));
  }
  for (const name of filesBelow(join(folder, "snapshots"))) {
    const path = name.split("/").slice(1).join("/");
    expectBytes(readFileSync(join(folder, "snapshots", name)), files[path]!);
  }
  for (const name of filesBelow(join(folder, ".textower", "blocks"))) {
    if (name.endsWith(".incomplete")) continue;
    const stored = readFileSync(join(folder, ".textower", "blocks", name));
    const [first, count] = basename(name).split("-").map(Number);
    const whole = Object.values(files).find((bytes) =>
      name.startsWith(createHash("sha256").update(bytes).digest("hex")),
    );
    const expected = whole!.subarray(first! * 65536, (first! + count!) * 65536);
    expectBytes(stored.subarray(0, -32), expected);
    expect(stored.subarray(-32).toString("hex")).toBe(createHash("sha256").update(expected).digest("hex"));
  }
}
