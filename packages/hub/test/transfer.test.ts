/** From a cold cache: what a text tower costs of a whole checkpoint, and what it costs the second time. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openCheckpoint, writeSafetensors } from "@textower/weights";
import type { ByteSource } from "@textower/weights";
import { commitOf, noise, startHub } from "./hub-server.mjs";
import type { TestHub } from "./hub-server.mjs";
import { NAME, open, temporaryFolder } from "./support.js";

/** ViT-B/32's text tower with fewer layers and tokens, and a vision tower of about the same size behind it. */
const [WIDTH, LAYERS, TOKENS] = [512, 3, 8000];
const SHAPES: Record<string, readonly number[]> = {
  "token_embedding.weight": [TOKENS, WIDTH],
  positional_embedding: [77, WIDTH],
  "ln_final.weight": [WIDTH],
  "ln_final.bias": [WIDTH],
  text_projection: [WIDTH, WIDTH],
  "visual.proj": [5000, WIDTH],
  logit_scale: [],
};
for (const [prefix, layers] of [
  ["transformer", LAYERS],
  ["visual.transformer", LAYERS],
] as const) {
  for (let layer = 0; layer < layers; layer++) {
    const block = `${prefix}.resblocks.${layer}`;
    for (const norm of ["ln_1", "ln_2"]) {
      SHAPES[`${block}.${norm}.weight`] = [WIDTH];
      SHAPES[`${block}.${norm}.bias`] = [WIDTH];
    }
    for (const [name, outputs, inputs] of [
      ["attn.in_proj_", 3 * WIDTH, WIDTH],
      ["attn.out_proj.", WIDTH, WIDTH],
      ["mlp.c_fc.", 4 * WIDTH, WIDTH],
      ["mlp.c_proj.", WIDTH, 4 * WIDTH],
    ] as const) {
      SHAPES[`${block}.${name}weight`] = [outputs, inputs];
      SHAPES[`${block}.${name}bias`] = [outputs];
    }
  }
}

const FILE = writeSafetensors(
  new Map(
    Object.entries(SHAPES).map(([name, shape], seed) => {
      const elements = shape.reduce((product, size) => product * size, 1);
      // Any bytes do: nothing looks at the values.
      return [name, { dtype: "F32" as const, shape, data: noise(elements * 4, seed + 1) }];
    }),
  ),
);
const COMMIT = commitOf("transfer");

let hub: TestHub;
beforeAll(async () => {
  const commits = { [COMMIT]: { "model.safetensors": FILE } };
  hub = await startHub({ repositories: { [NAME]: { branches: { main: COMMIT }, commits } } });
});
afterAll(() => hub.close());

async function readTower(source: ByteSource): Promise<number> {
  const checkpoint = await openCheckpoint(source, { activation: "quick_gelu" });
  let bytes = 0;
  for (const name of checkpoint.tensors.keys()) {
    if (name === "token_embedding.weight") continue;
    bytes += (await checkpoint.read(name)).data.byteLength;
  }
  const ids = Int32Array.of(10, 320, 1125, 4000, 5000, 7000, 7999);
  await checkpoint.tokenEmbedding.read(ids, new Float32Array(ids.length * WIDTH));
  await checkpoint.close();
  return bytes;
}

it("is the tower, and a block a token", async () => {
  const folder = temporaryFolder();
  const source = (await (await open(hub, folder)).open("model.safetensors"))!;
  hub.sent = 0;
  const tower = await readTower(source);
  expect(tower).toBeGreaterThan(39_000_000);
  expect(hub.sent).toBeGreaterThan(tower);
  expect(hub.sent - 7 * 65536).toBeLessThan(tower * 1.01);
  await source.close();

  hub.requests.length = 0;
  const again = (await (await open(hub, folder, { offline: true })).open("model.safetensors"))!;
  expect(await readTower(again)).toBe(tower);
  expect(hub.requests).toEqual([]);
  await again.close();
});

it("does not fetch again what an aborted read had brought, but for the blocks that were under way", async () => {
  const folder = temporaryFolder();
  const [begin, length, block] = [2 ** 20, 3 * 2 ** 20, 65_536];
  const source = (await (await open(hub, folder)).open("model.safetensors"))!;
  hub.sent = 0;
  hub.pace = 1;
  const controller = new AbortController();
  const aborted = source.read(begin, new Uint8Array(length), controller.signal);
  while (hub.sent < length / 2) await new Promise((resolve) => setTimeout(resolve, 1));
  controller.abort();
  await expect(aborted).rejects.toBe(controller.signal.reason);
  delete hub.pace;
  await source.close();

  const again = (await (await open(hub, folder)).open("model.safetensors"))!;
  const bytes = new Uint8Array(length);
  await again.read(begin, bytes);
  await again.close();
  expect(Buffer.from(bytes).equals(FILE.subarray(begin, begin + length))).toBe(true);
  // One block, and what lay in the sockets between the two.
  expect(hub.sent).toBeLessThan(length + 10 * block);
});
