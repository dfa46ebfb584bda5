/** Models by their names on a hub: a real server on loopback with the Hub's addresses, and the cache it leaves. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shapesModel } from "@textower/model-shapes";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { commitOf, startHub } from "../../hub/test/hub-server.mjs";
import type { TestHub } from "../../hub/test/hub-server.mjs";
import { lines, textower } from "./command.js";
import type { EncodeLine, Outcome } from "./command.js";
import { post, serve } from "./served.js";

const NAME = "someone/shapes";
let hub: TestHub;
let cache: string;

beforeAll(async () => {
  const commit = commitOf("shapes");
  const config = JSON.parse(await readFile(shapesModel.config, "utf8")) as object;
  const files = {
    "config.json": new TextEncoder().encode(JSON.stringify({ ...config, projection_dim: 7 })),
    "model.safetensors": new Uint8Array(await readFile(shapesModel.model)),
  };
  hub = await startHub({
    repositories: { [NAME]: { branches: { main: commit }, commits: { [commit]: files } } },
  });
});
afterAll(() => hub.close());
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "textower-cache-"));
  hub.requests.length = 0;
  return () => rm(cache, { recursive: true });
});

/** The command, with nothing of the environment's hub. */
function command(...args: string[]): Promise<Outcome> {
  const env = { HF_TOKEN: "", HF_HUB_CACHE: cache, HF_ENDPOINT: hub.endpoint };
  return textower(args, { env });
}

describe("a name on the hub", () => {
  test("is encoded, and once more with no network", async () => {
    const [prompt, format] = ["a red circle", ["--format", "jsonl"]];
    const { text: expected } = await textower(["encode", prompt, ...format]);
    for (const flags of [[], ["--offline"]]) {
      hub.requests.length = 0;
      const { code, text } = await command("encode", "--model", NAME, ...flags, prompt, ...format);
      expect([code, text]).toEqual([0, expected]);
      expect(hub.requests.length > 0).toBe(flags.length === 0);
    }
  });

  test("is served by its name", async () => {
    const { text } = await textower(["encode", "a red circle", "--format", "jsonl"]);
    const [expected] = lines<EncodeLine>(text);
    const { url } = await serve(["--model", NAME, "--endpoint", hub.endpoint, "--cache-dir", cache]);
    const response = await post(url, { model: NAME, input: "a red circle" });
    const { data } = (await response.json()) as { data: { embedding: number[] }[] };
    data[0]!.embedding.forEach((value, at) => expect(value).toBeCloseTo(expected!.embedding[at]!, 5));
    expect(hub.requests.length).toBeGreaterThan(0);
  });

  test("is described, converted, and lends its length to tokens", async () => {
    const { code, text } = await command("info", NAME);
    expect(code).toBe(0);
    expect(text).toContain("projection_dim 7");
    const out = await mkdtemp(join(tmpdir(), "textower-convert-"));
    expect(await command("convert", NAME, "--precision", "int8", "--out", out)).toMatchObject({ code: 0 });
    await rm(out, { recursive: true });
    expect(await command("tokens", "--model", NAME, "a red circle")).toMatchObject({ code: 0 });
  });

  test("is fetched whole, from another endpoint, into another cache, where flags say so", async () => {
    const other = await mkdtemp(join(tmpdir(), "textower-cache-"));
    const env = { HF_TOKEN: "", HF_HUB_CACHE: cache, HF_ENDPOINT: "http://127.0.0.1:1" };
    const flags = ["--endpoint", hub.endpoint, "--cache-dir", other, "--download", "whole"];
    const { code } = await textower(["encode", "--model", NAME, ...flags, "a"], { env });
    expect(code).toBe(0);
    const list = async (directory: string) =>
      lines<{ repository: string; fileBytes: number }>(
        (await command("cache", "list", "--cache-dir", directory, "--format", "jsonl")).text,
      );
    const { size } = await import("node:fs").then(({ statSync }) => statSync(shapesModel.model));
    const [entry] = await list(other);
    expect(entry?.repository).toBe(NAME);
    expect(entry?.fileBytes).toBeGreaterThanOrEqual(size);
    expect(await list(cache)).toEqual([]);
    await rm(other, { recursive: true });
  });

  test.each([
    ["that the hub does not have", ["--model", "someone/nothing"], 1, /someone\/nothing/],
    ["that is not in the cache", ["--model", NAME, "--offline"], 1, /not in the cache/],
    ["at an endpoint that is none", ["--model", NAME, "--endpoint", "ftp://x"], 2, /expected endpoint/],
    ["of a revision that cannot be", ["--model", `${NAME}@a b`], 1, /./],
  ])("%s is an error", async (_, flags, expected, message) => {
    const { code, text, stderr } = await command("encode", ...flags, "a");
    expect({ code, text }).toEqual({ code: expected, text: "" });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n").length).toBe(1);
  });
});

test("the cache is listed and cleared", async () => {
  expect(await command("cache")).toMatchObject({ code: 0, text: "nothing\n" });
  expect(await command("encode", "--model", NAME, "a")).toMatchObject({ code: 0 });
  const { text } = await command("cache");
  expect(text).toMatch(/^someone\/shapes /m);
  expect(await command("cache", "clear", NAME)).toMatchObject({ code: 0 });
  expect(await command("cache")).toMatchObject({ text: "nothing\n" });
  expect(await command("cache", "clear", "../../etc")).toMatchObject({ code: 2 });
});
