/**
 * The same in headless Chromium, Debian's or the one that CHROMIUM names: the page, the hub and its storage are three
 * origins on loopback, the cache is the origin private file system, the Cache API, or nothing.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium } from "playwright-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type * as Hub from "../src/index.js";
import type { HubOptions } from "../src/options.js";
import { SIGNATURE, startHub } from "./hub-server.mjs";
import type { TestHub } from "./hub-server.mjs";
import { CONFIG, LARGE, NAME, repository } from "./support.js";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const absent = !existsSync(executablePath) && process.env["CI"] !== "true";
const title = absent ? "Chromium (skipped: install Debian's, or set CHROMIUM)" : "Chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const TOKEN = "hf_testtokenthatmustnotleak";

const PAGE =
  '<!doctype html><title>hub</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';
const WORKER = `
import * as hub from "/hub.js";
addEventListener("message", async ({ data: [name, options] }) => {
  const collection = await hub.openHub(name, options);
  const source = await collection.open("model.safetensors");
  const bytes = new Uint8Array(source.size);
  await source.read(0, bytes);
  postMessage(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
});
`;

/** What a page reads, and what it is told. */
interface Reading {
  readonly digests: string[];
  readonly warnings: string[];
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
}
/** Options that can be sent to a page. */
type PageOptions = Pick<HubOptions, "token" | "offline" | "download" | "retries" | "timeoutMs">;
type Range = readonly [path: string, begin: number, end: number];

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const all: Range = ["model.safetensors", 0, LARGE.length];

describe.skipIf(absent)(title, () => {
  let hub: TestHub;
  let server: Server;
  let url: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    hub = await startHub({
      repositories: { [NAME]: repository(), "some/private": repository({ token: TOKEN }) },
    });
    const input = new URL("../dist/browser.js", import.meta.url).pathname;
    const bundle = await rolldown({ input, platform: "browser" });
    const { output } = await bundle.generate({ format: "esm" });
    await bundle.close();
    const files: Record<string, [string, string]> = {
      "/": ["text/html", PAGE],
      "/hub.js": ["text/javascript", output[0].code],
      "/page.js": ["text/javascript", 'import * as hub from "/hub.js"; globalThis.hub = hub;'],
      "/worker.js": ["text/javascript", WORKER],
    };
    server = createServer((request, response) => {
      const [type, body] = files[request.url!] ?? ["text/plain", "no"];
      response.writeHead(200, { "Content-Type": type }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await chromium.launch({ executablePath, args: FLAGS });
  });
  afterAll(async () => {
    await browser?.close();
    server.closeAllConnections();
    server.close();
    await hub.close();
  });

  beforeEach(() => {
    hub.requests.length = 0;
    hub.sent = 0;
    hub.fault = () => undefined;
  });

  async function openPage(script?: () => void, address = url): Promise<void> {
    await context?.close();
    context = await browser.newContext();
    page = await context.newPage();
    if (script !== undefined) await page.addInitScript(script);
    complaints.length = 0;
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(address);
    await page.waitForFunction(() => "hub" in globalThis);
  }

  function read(ranges: readonly Range[], options: PageOptions = {}, name = NAME): Promise<Reading> {
    return page.evaluate(
      async ([name, options, ranges]) => {
        const { hub } = globalThis as unknown as { hub: typeof Hub };
        const warnings: string[] = [];
        const digests: string[] = [];
        try {
          const onWarning = ({ code }: { readonly code: string }): void => void warnings.push(code);
          const collection = await hub.openHub(name, { ...options, onWarning });
          for (const [path, begin, end] of ranges) {
            const source = (await collection.open(path))!;
            const bytes = new Uint8Array(end - begin);
            await source.read(begin, bytes);
            await source.close();
            if (crypto.subtle === undefined)
              digests.push(String(bytes.reduce((a, b) => (a * 31 + b) | 0, 0)));
            else {
              const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
              digests.push([...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
            }
          }
          return { digests, warnings };
        } catch (error) {
          const { name, code, message } = error as { name: string; code: string; message: string };
          return { digests, warnings, error: { name, code, message } };
        }
      },
      [name, { endpoint: hub.endpoint, retries: 1, timeoutMs: 2000, ...options }, ranges] as const,
    );
  }

  const estimate = (): Promise<Hub.CacheEstimate> =>
    page.evaluate(() => (globalThis as unknown as { hub: typeof Hub }).hub.estimateCache());
  const clear = (repository?: string): Promise<void> =>
    page.evaluate(
      (repository) =>
        (globalThis as unknown as { hub: typeof Hub }).hub.clearCache(
          repository === undefined ? {} : { repository },
        ),
      repository,
    );

  describe.each([
    ["the origin private file system", undefined],
    [
      "the Cache API",
      () => {
        delete (FileSystemFileHandle.prototype as { createWritable?: unknown }).createWritable;
      },
    ],
  ] as const)("with %s", (_, script) => {
    beforeAll(() => openPage(script));

    it("reads ranges, keeps them, and reads them again without the network", async () => {
      const ranges: Range[] = [
        ["config.json", 0, CONFIG.length],
        ["model.safetensors", 100, 2_000_000],
        ["model.safetensors", LARGE.length - 10, LARGE.length],
      ];
      const expected = [
        sha256(CONFIG),
        sha256(LARGE.subarray(100, 2_000_000)),
        sha256(LARGE.subarray(LARGE.length - 10)),
      ];
      expect(await read(ranges)).toEqual({ digests: expected, warnings: [] });
      expect(hub.sent).toBeLessThan(2_000_000 + 4 * 65536);
      await page.reload();
      await page.waitForFunction(() => "hub" in globalThis);
      hub.requests.length = 0;
      expect(await read(ranges, { offline: true })).toEqual({ digests: expected, warnings: [] });
      expect(hub.requests).toEqual([]);
      expect(await read([all], { offline: true })).toMatchObject({
        error: { name: "HubError", code: "offline" },
      });
    });

    it("brings a whole file, checked by its digest", async () => {
      expect(await read([all], { download: "whole" })).toEqual({ digests: [sha256(LARGE)], warnings: [] });
      await clear(NAME);
      hub.fault = ({ server }) => (server === "storage" ? { kind: "corrupt", where: 0.5 } : undefined);
      const outcome = await read([all], { download: "whole" });
      expect(outcome.error).toMatchObject({ name: "HubError", code: "hash-mismatch" });
      hub.fault = () => undefined;
      expect(await read([all], { download: "whole" })).toEqual({ digests: [sha256(LARGE)], warnings: [] });
    });

    it("counts and clears", async () => {
      await read([all]);
      const before = await estimate();
      expect(before.quota).toBeGreaterThan(0);
      expect(before.repositories).toEqual([
        { repository: NAME, fileBytes: 0, blockBytes: expect.any(Number) as number },
      ]);
      expect(before.bytes).toBeGreaterThan(LARGE.length);
      expect(before.bytes).toBeLessThan(LARGE.length + 5000);
      await clear("other/model");
      expect((await estimate()).bytes).toBe(before.bytes);
      await clear();
      expect(await estimate()).toMatchObject({ bytes: 0, repositories: [] });
      await clear();
    });

    it("names the quota, and reads on without it", async () => {
      const session = await context.newCDPSession(page);
      const origin = new URL(url).origin;
      await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 3_000_000 });
      const { digests, warnings } = await read([all]);
      expect(digests).toEqual([sha256(LARGE)]);
      expect(warnings).toContain("no-space");
      await session.send("Storage.overrideQuotaForOrigin", { origin });
      await clear();
    });

    it("complained of nothing", () => expect(complaints).toEqual([]));
  });

  describe("in any case", () => {
    beforeAll(() => openPage());

    it("sends the token to the hub and nowhere else", async () => {
      const { digests } = await read(
        [all, ["config.json", 0, CONFIG.length]],
        { token: TOKEN },
        "some/private",
      );
      expect(digests).toEqual([sha256(LARGE), sha256(CONFIG)]);
      for (const { server, authorization } of hub.requests) {
        expect(authorization).toBe(server === "hub" ? `Bearer ${TOKEN}` : undefined);
      }
      expect(hub.requests.some(({ server }) => server === "storage")).toBe(true);
    });

    it("survives cuts, stalls and errors, and shows no secret", async () => {
      await clear();
      const faults = [
        { kind: "cut", where: 0.4 },
        { kind: "stall", where: 0.3 },
        { kind: "status", status: 503 },
        { kind: "short", where: 0.9 },
      ] as const;
      let count = 0;
      hub.fault = ({ server }) => (server === "storage" ? faults[count++] : undefined);
      expect(await read([all], { timeoutMs: 300, retries: 5 })).toEqual({
        digests: [sha256(LARGE)],
        warnings: [],
      });
      expect(count).toBeGreaterThan(4);
      await clear();
      hub.fault = ({ server }) => (server === "storage" ? { kind: "status", status: 403 } : undefined);
      const { error } = await read([all], { token: TOKEN });
      expect(error).toMatchObject({ name: "HubError", code: "forbidden" });
      expect(JSON.stringify(error)).not.toMatch(new RegExp(`${TOKEN}|${SIGNATURE}`));
    });

    it("knows its errors by name", async () => {
      expect((await read([], {}, "some/absent")).error).toMatchObject({ code: "repository-not-found" });
      expect((await read([], {}, "some/private")).error).toMatchObject({ code: "repository-not-found" });
      expect((await read([], {}, `${NAME}@absent`)).error).toMatchObject({ code: "revision-not-found" });
    });

    it("takes the whole file from a server that ignores ranges", async () => {
      await clear();
      hub.fault = ({ server }) => (server === "storage" ? { kind: "ignore-range" } : undefined);
      const range: Range = ["model.safetensors", 5_000_000, 5_000_100];
      expect((await read([range, all])).digests).toEqual([
        sha256(LARGE.subarray(5_000_000, 5_000_100)),
        sha256(LARGE),
      ]);
    });

    it("works in a worker", async () => {
      await clear();
      const digest = await page.evaluate(
        (given) =>
          new Promise<number[]>((resolve, reject) => {
            const worker = new Worker("/worker.js", { type: "module" });
            worker.addEventListener("message", ({ data }) => resolve([...(data as Uint8Array)]));
            worker.addEventListener("error", ({ message }) => reject(new Error(message)));
            worker.postMessage(given);
          }),
        [NAME, { endpoint: hub.endpoint }] as const,
      );
      expect(Buffer.from(digest).toString("hex")).toBe(sha256(LARGE));
    });
  });

  it("reads where nothing can be kept", async () => {
    await openPage(() => {
      // As in a page that is no secure context.
      delete (FileSystemFileHandle.prototype as { createWritable?: unknown }).createWritable;
      Object.defineProperty(globalThis, "caches", { value: undefined });
      Object.defineProperty(crypto, "subtle", { value: undefined });
    });
    const { digests, warnings } = await read([all, ["config.json", 0, CONFIG.length]]);
    const checksum = (bytes: Uint8Array): string => String(bytes.reduce((a, b) => (a * 31 + b) | 0, 0));
    expect(digests).toEqual([checksum(LARGE), checksum(CONFIG)]);
    expect(new Set(warnings)).toEqual(new Set(["cache-not-writable"]));
    expect(complaints).toEqual([]);
  });
});
