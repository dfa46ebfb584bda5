/** What is refused, by name, and what no message may show. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HubError } from "../src/index.js";
import { openHubOn } from "../src/open-hub.js";
import type { HubOptions } from "../src/options.js";
import { commitOf, SIGNATURE, startHub } from "./hub-server.mjs";
import type { Fault, TestHub } from "./hub-server.mjs";
import {
  COMMIT,
  CONFIG,
  expectBytes,
  expectSoundCache,
  FILES,
  impatient,
  LARGE,
  NAME,
  open,
  readAll,
  readPart,
  repository,
  temporaryFolder,
} from "./support.js";

const TOKEN = "hf_testtokenthatmustnotleak";
let hub: TestHub;
beforeAll(async () => {
  hub = await startHub({
    repositories: {
      [NAME]: repository(),
      "some/private": repository({ token: TOKEN }),
      "some/gated": repository({ token: TOKEN, gated: true }),
      "some/hostile": repository({
        extraNames: ["../../../etc/passwd", "/abs", "a/../b", "c:\\x", "nul\0", ""],
      }),
      "some/unsafe": repository({ commits: { "../../x": FILES }, branches: { main: "../../x" } }),
    },
  });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.requests.length = 0;
  hub.fault = () => undefined;
});

async function errorOf(promise: Promise<unknown>): Promise<HubError> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(HubError);
  return error as HubError;
}

describe("who may not", () => {
  it.each([
    ["some/absent", {}, "repository-not-found", 401],
    ["some/private", {}, "repository-not-found", 401],
    ["some/private", { token: "hf_wrong" }, "repository-not-found", 401],
    ["some/gated", {}, "gated", 401],
    ["some/gated", { token: "hf_wrong" }, "gated", 403],
    [`${NAME}@absent`, {}, "revision-not-found", 404],
    [`${NAME}@${commitOf("absent")}`, {}, "revision-not-found", 404],
  ] as const)("%s with %o: %s", async (name, options, code, status) => {
    expect(await errorOf(open(hub, temporaryFolder(), options, name))).toMatchObject({ code, status });
    expect(hub.requests).toHaveLength(1); // none of these gets better by asking again
  });

  it.each([
    [{ kind: "status", status: 401 }, "unauthorized", 1],
    [{ kind: "status", status: 403 }, "forbidden", 1],
    [{ kind: "status", status: 404 }, "repository-not-found", 1],
    [{ kind: "status", status: 410 }, "http-status", 1],
    [{ kind: "status", status: 500 }, "http-status", 3],
    [{ kind: "status", status: 408 }, "http-status", 3],
    [{ kind: "status", status: 429 }, "rate-limited", 3],
    [{ kind: "reset" }, "network", 3],
    [{ kind: "redirect", location: "file:///etc/passwd" }, "bad-answer", 1],
  ] as const)("is told by a bare %o: %s, asked %d times", async (fault, code, times) => {
    hub.fault = () => fault as Fault;
    const error = await errorOf(open(hub, temporaryFolder(), { retries: 2 }));
    expect(error.code).toBe(code);
    expect(hub.requests).toHaveLength(times);
  });

  it("is told where a listed file is gone", async () => {
    const collection = await open(hub, temporaryFolder());
    hub.fault = () => ({ kind: "status", status: 404, headers: { "X-Error-Code": "EntryNotFound" } });
    expect(await collection.open("model.safetensors")).toBeUndefined();
    hub.fault = () => ({ kind: "status", status: 403, headers: { "X-Error-Code": "GatedRepo" } });
    expect(await errorOf(collection.open("config.json"))).toMatchObject({ code: "gated", status: 403 });
  });

  it("gets in with the token, which goes nowhere else", async () => {
    const collection = await open(hub, temporaryFolder(), { token: TOKEN }, "some/private");
    expectBytes(await readAll(collection, "model.safetensors"), LARGE);
    expectBytes(await readAll(collection, "config.json"), CONFIG);
    for (const { server, authorization } of hub.requests) {
      expect(authorization).toBe(server === "hub" ? `Bearer ${TOKEN}` : undefined);
    }
    expect(hub.requests.some(({ server }) => server === "storage")).toBe(true);
  });
});

it("a storage address that has run out is asked for again", async () => {
  const source = (await (await open(hub, temporaryFolder())).open("model.safetensors"))!;
  await readPart(source, 0, 10);
  let expired = true;
  hub.fault = ({ server }) => {
    if (server === "hub") expired = false; // it hands out a new one
    return server === "storage" && expired ? { kind: "status", status: 403 } : undefined;
  };
  hub.requests.length = 0;
  expectBytes(await readPart(source, 1_000_000, 1_000_010), LARGE.subarray(1_000_000, 1_000_010));
  expect(hub.requests.map(({ server }) => server)).toEqual(["storage", "hub", "storage"]);
});

describe("patience", () => {
  it("waits as long as it is asked to, within reason", async () => {
    const slept: number[] = [];
    const platform = impatient(slept);
    const options = { endpoint: hub.endpoint, cacheDirectory: temporaryFolder(), token: null };
    hub.fault = ({ number }) =>
      number === 0 ? { kind: "status", status: 429, headers: { "Retry-After": "7" } } : undefined;
    await openHubOn(platform, NAME, options);
    expect(slept).toEqual([7000]);
    hub.requests.length = 0;
    hub.fault = () => ({ kind: "status", status: 503, headers: { "Retry-After": "600" } });
    const error = await errorOf(openHubOn(platform, NAME, { ...options, cacheDirectory: temporaryFolder() }));
    expect(error.message).toMatch(/the server asks to wait 600 s/);
    expect(hub.requests).toHaveLength(1);
  });

  it("waits longer each time, and gives up", async () => {
    const slept: number[] = [];
    hub.fault = () => ({ kind: "status", status: 503 });
    const options = { endpoint: hub.endpoint, cacheDirectory: temporaryFolder(), token: null, retries: 7 };
    await errorOf(openHubOn(impatient(slept), NAME, options));
    expect(slept).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it("ends when nothing comes", async () => {
    hub.fault = () => ({ kind: "stall", where: 0.5 });
    const options = { retries: 1, timeoutMs: 50 };
    expect((await errorOf(open(hub, temporaryFolder(), options))).code).toBe("stalled");
  });
});

it("ranges that a server ignores: the file comes once, whole, and is kept and checked", async () => {
  const folder = temporaryFolder();
  hub.fault = ({ server }) => (server === "storage" ? { kind: "ignore-range" } : undefined);
  const source = (await (await open(hub, folder)).open("model.safetensors"))!;
  hub.sent = 0;
  const [a, b] = await Promise.all([readPart(source, 5_000_000, 5_000_009), readPart(source, 3, 70_000)]);
  expectBytes(a, LARGE.subarray(5_000_000, 5_000_009));
  expectBytes(b, LARGE.subarray(3, 70_000));
  expectBytes(await readPart(source, 0, LARGE.length), LARGE);
  expectSoundCache(folder);
  // Two requests found out, the third brought everything.
  expect(hub.requests.filter(({ server }) => server === "storage").length).toBeLessThanOrEqual(3);

  hub.fault = ({ server, range }) => {
    if (server !== "storage") return undefined;
    return range === `bytes=0-${LARGE.length - 1}`
      ? { kind: "corrupt", where: 0.5 }
      : { kind: "ignore-range" };
  };
  const damaged = (await (await open(hub, temporaryFolder())).open("model.safetensors"))!;
  expect(await errorOf(damaged.read(9, new Uint8Array(9)))).toMatchObject({ code: "hash-mismatch" });
});

describe("what is not safe", () => {
  it.each(["../x", "a/../../x", "/etc/passwd", "a//b", "a\\b", "C:x", "", ".", "a\0", "a/./b"])(
    "path %j is refused",
    async (path) => {
      const collection = await open(hub, temporaryFolder());
      expect((await errorOf(collection.open(path))).code).toBe("bad-path");
    },
  );

  it.each([
    "model",
    "a/b/c",
    "../x",
    "a/..",
    "a/b@../../x",
    "a/b@",
    "-a/b",
    "a--b/c",
    "a/b.",
    "a b/c",
    "/a/b",
    "a/b@x\\y",
  ])("name %j is refused", async (name) => {
    expect((await errorOf(open(hub, temporaryFolder(), {}, name))).code).toBe("bad-name");
    expect(hub.requests).toEqual([]);
  });

  it("a listing's unsafe names are left out", async () => {
    const collection = await open(hub, temporaryFolder(), {}, "some/hostile");
    expect(await collection.list()).toEqual(Object.keys(FILES));
  });

  it("a commit that is a path is refused", async () => {
    expect((await errorOf(open(hub, temporaryFolder(), {}, "some/unsafe"))).code).toBe("bad-answer");
  });

  it("an ETag that is a path names nothing", async () => {
    const server = createServer((request, response) => {
      if (request.url!.startsWith("/api/")) {
        return void response.end(JSON.stringify({ sha: COMMIT, siblings: [{ rfilename: "x" }] }));
      }
      response.writeHead(200, { ETag: '"../../../outside"', "Content-Length": "3" });
      response.end(request.method === "HEAD" ? undefined : "abc");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const collection = await open({ ...hub, endpoint }, temporaryFolder());
    expect((await errorOf(collection.open("x"))).code).toBe("bad-answer");
    server.closeAllConnections();
    server.close();
  });
});

describe("options that cannot be meant", () => {
  it.each([
    { endpoint: "ftp://example.org" },
    { endpoint: "not an address" },
    { endpoint: "https://user:hunter2@example.org" },
    { endpoint: "https://example.org/?hunter2" },
    { token: "two words hunter2" },
    { token: "hunter2\n" },
    { retries: -1 },
    { timeoutMs: 0 },
    { download: "some" as "whole" },
  ] satisfies HubOptions[])("%o", async (options) => {
    const error = await errorOf(open(hub, temporaryFolder(), options));
    expect(error.code).toBe("bad-option");
    expect(inspect(error, { depth: 9 })).not.toMatch(/hunter2/);
  });
});

it("no error shows a token or a signature", async () => {
  const faults: Fault[] = [
    { kind: "status", status: 403 },
    { kind: "status", status: 500 },
    { kind: "reset" },
    { kind: "cut", where: 0.5 },
    { kind: "stall", where: 0.5 },
    { kind: "long" },
    { kind: "short", where: 0.5 },
    { kind: "wrong-total" },
    { kind: "wrong-range" },
    { kind: "corrupt", where: 0.5 },
    { kind: "redirect", location: `https://user:${TOKEN}@127.0.0.1:1/?signature=${SIGNATURE}` },
    { kind: "redirect", location: `http://127.0.0.1:1/?signature=${SIGNATURE}` },
    { kind: "redirect", location: `http://[${SIGNATURE}/` },
  ];
  for (const fault of faults) {
    hub.fault = () => undefined;
    const options = { token: TOKEN, retries: 1, timeoutMs: 500, download: "whole" } as const;
    const collection = await open(hub, temporaryFolder(), options);
    hub.fault = ({ server }) => ((fault.kind === "redirect") === (server === "hub") ? fault : undefined);
    const shown = inspect(await errorOf(collection.open("model.safetensors")), { depth: 9 });
    expect(shown).not.toContain(TOKEN);
    expect(shown).not.toContain(SIGNATURE);
  }
});

describe("offline", () => {
  it("reads what is there, and says what is not", async () => {
    const folder = temporaryFolder();
    expect((await errorOf(open(hub, folder, { offline: true }))).code).toBe("offline");
    const online = await open(hub, folder);
    await readAll(online, "config.json");
    const part = (await online.open("model.safetensors"))!;
    await readPart(part, 0, 100);
    hub.requests.length = 0;

    const offline = await open(hub, folder, { offline: true });
    expectBytes(await readAll(offline, "config.json"), CONFIG);
    const source = (await offline.open("model.safetensors"))!;
    expectBytes(await readPart(source, 0, 1000), LARGE.subarray(0, 1000));
    expect((await errorOf(readPart(source, 1_000_000, 1_000_001))).code).toBe("offline");
    expect((await errorOf(offline.open("sub/small.bin"))).code).toBe("offline");
    expect(await offline.open("absent.json")).toBeUndefined();
    expect(hub.requests).toEqual([]);
  });

  it("reads what the Hub's own tools have left", async () => {
    const folder = temporaryFolder();
    const put = (path: string, content: string | Uint8Array): void => {
      const full = join(folder, "models--some--model", path);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content);
    };
    put("refs/main", COMMIT);
    put(`snapshots/${COMMIT}/config.json`, CONFIG);
    const collection = await open(hub, folder, { offline: true });
    expect(await collection.list()).toEqual(["config.json"]);
    expectBytes(await readAll(collection, "config.json"), CONFIG);
    expect(await collection.open("model.safetensors")).toBeUndefined();
  });

  it("is what a hub that cannot be reached comes to, with a warning", async () => {
    const folder = temporaryFolder();
    await readAll(await open(hub, folder), "config.json");
    hub.fault = () => ({ kind: "reset" });
    const warnings: HubError[] = [];
    const onWarning = (warning: HubError): void => void warnings.push(warning);
    const collection = await open(hub, folder, { retries: 0, onWarning });
    expectBytes(await readAll(collection, "config.json"), CONFIG);
    expect(warnings).toEqual([expect.objectContaining({ code: "network" })]);
  });
});

describe("a cache that cannot be written", () => {
  /** A file where the cache should be: nothing can be made below it, whoever asks. */
  function blocked(): string {
    const path = join(temporaryFolder(), "file");
    writeFileSync(path, "");
    return path;
  }

  it("is told about once, and ranges and small files are read all the same", async () => {
    const warnings: HubError[] = [];
    const onWarning = (warning: HubError): void => void warnings.push(warning);
    const collection = await open(hub, blocked(), { onWarning });
    expectBytes(await readAll(collection, "config.json"), CONFIG);
    const source = (await collection.open("model.safetensors"))!;
    hub.sent = 0;
    expectBytes(await readPart(source, 0, 5_000_000), LARGE.subarray(0, 5_000_000));
    expectBytes(await readPart(source, 100, 200_000), LARGE.subarray(100, 200_000));
    expect(hub.sent).toBe(77 * 65536); // held in memory for a while
    expectBytes(await readPart(source, 0, LARGE.length), LARGE);
    expect(new Set(warnings.map(({ code }) => code))).toEqual(new Set(["cache-not-writable"]));
  });

  it("is an error for a whole download", async () => {
    const collection = await open(hub, blocked(), { download: "whole" });
    expect((await errorOf(collection.open("model.safetensors"))).code).toBe("cache-not-writable");
  });

  it("is an error where the server sends everything", async () => {
    const collection = await open(hub, blocked());
    hub.fault = ({ server }) => (server === "storage" ? { kind: "ignore-range" } : undefined);
    const source = (await collection.open("model.safetensors"))!;
    expect((await errorOf(source.read(0, new Uint8Array(9)))).code).toBe("range-ignored");
  });
});
