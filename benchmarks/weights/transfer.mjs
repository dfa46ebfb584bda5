/**
 * What a first vector transfers: a checkpoint behind plain HTTP, and in a repository of a hub whose cache is empty. Both
 * servers are on the loopback interface and count the bytes of their answers; beside them, what the text tower needs
 * without its token table.
 *
 *   node weights/transfer.mjs [CHECKPOINT ...]
 */
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCheckpoint } from "@textower/weights";
import { createTextEncoder } from "textower";
import { commitOf, startHub } from "../../packages/hub/test/hub-server.mjs";
import { vitB32Checkpoint } from "../checkpoint.mjs";

const megabytes = (bytes) => (bytes / 1e6).toFixed(2);
const paths = process.argv.slice(2);
for (const path of paths.length > 0 ? paths : [vitB32Checkpoint()]) {
  const needed = await neededBytes(path);
  console.log(`${path}: without the token table the tower has ${megabytes(needed)} MB`);
  for (const [name, serve] of [
    ["HTTP", servePlain],
    ["hub", serveHub],
  ]) {
    const { options, traffic, close } = await serve(path);
    const begin = performance.now();
    const encoder = await createTextEncoder({ ...options, activation: "quick_gelu" });
    await encoder.encode("a photo of a cat");
    const seconds = (performance.now() - begin) / 1000;
    await encoder.dispose();
    const { sent, requests } = traffic();
    await close();
    console.log(
      `  ${name}: first vector after ${megabytes(sent)} MB in ${requests} requests, ${seconds.toFixed(2)} s ` +
        `(${((sent / needed - 1) * 100).toFixed(2)} % more)`,
    );
  }
}

async function neededBytes(path) {
  const checkpoint = await openCheckpoint(path, { activation: "quick_gelu", config: null });
  const { vocabSize, width } = checkpoint.descriptor;
  const elements = [...checkpoint.tensors.values()].map((shape) => shape.reduce((a, b) => a * b, 1));
  const share = (vocabSize * width) / elements.reduce((a, b) => a + b);
  await checkpoint.close();
  return checkpoint.textBytes * (1 - share);
}

async function servePlain(path) {
  const file = await open(path);
  const { size } = await file.stat();
  let [sent, requests] = [0, 0];
  const server = createServer(async (request, response) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (match === null) return response.writeHead(404).end();
    const [begin, end] = [Number(match[1]), Math.min(Number(match[2]) + 1, size)];
    const body = Buffer.alloc(end - begin);
    await file.read(body, 0, body.length, begin);
    sent += body.length;
    requests++;
    response.writeHead(206, { "Content-Range": `bytes ${begin}-${end - 1}/${size}` }).end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    options: { model: `http://127.0.0.1:${server.address().port}/model.safetensors` },
    traffic: () => ({ sent, requests }),
    close: async () => {
      server.close();
      await file.close();
    },
  };
}

async function serveHub(path) {
  const commit = commitOf(path);
  const commits = { [commit]: { "model.safetensors": new Uint8Array(await readFile(path)) } };
  const hub = await startHub({ repositories: { "some/clip": { branches: { main: commit }, commits } } });
  const cacheDirectory = await mkdtemp(join(tmpdir(), "textower-transfer-"));
  return {
    options: { model: "some/clip", hub: { endpoint: hub.endpoint, cacheDirectory, token: null } },
    traffic: () => ({ sent: hub.sent, requests: hub.requests.length }),
    close: async () => {
      await hub.close();
      await rm(cacheDirectory, { recursive: true });
    },
  };
}
