/** A model by its name on a hub: a real server on loopback with the Hub's addresses. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shapesModel } from "@textower/model-shapes";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commitOf, startHub } from "../../hub/test/hub-server.mjs";
import type { TestHub } from "../../hub/test/hub-server.mjs";
import { createTextEncoder } from "../src/index.js";

const PROMPTS = ["a red circle", "a blue star", "a red circle left of a green square"];
let hub: TestHub;
let cacheDirectory: string;

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "textower-hub-"));
  const commit = commitOf("shapes");
  const files = {
    "config.json": new Uint8Array(await readFile(shapesModel.config)),
    "model.safetensors": new Uint8Array(await readFile(shapesModel.model)),
  };
  hub = await startHub({
    repositories: { "someone/shapes": { branches: { main: commit }, commits: { [commit]: files } } },
  });
});
afterAll(async () => {
  await hub.close();
  await rm(cacheDirectory, { recursive: true });
});

test("gives the vectors of the same file opened directly, and needs no network the second time", async () => {
  const direct = await createTextEncoder({ model: "shapes" });
  const { data: expected } = await direct.encode(PROMPTS);
  await direct.dispose();
  for (const offline of [false, true]) {
    const encoder = await createTextEncoder({
      model: "someone/shapes",
      hub: { endpoint: hub.endpoint, cacheDirectory, offline, token: null },
    });
    expect((await encoder.encode(PROMPTS)).data).toEqual(expected);
    await encoder.dispose();
  }
});

test("a name that the hub does not have is an error that says so", async () => {
  const model = "someone/nothing";
  const opening = createTextEncoder({ model, hub: { endpoint: hub.endpoint, cacheDirectory, token: null } });
  await expect(opening).rejects.toMatchObject({ name: "HubError" });
});
