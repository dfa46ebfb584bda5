/**
 * What a first vector transfers: a checkpoint behind HTTP on the loopback interface, bytes and requests counted by the
 * server, beside what the text tower needs without its token table.
 *
 *   node weights/transfer.mjs [CHECKPOINT ...]
 */
import { open } from "node:fs/promises";
import { createServer } from "node:http";
import { openCheckpoint } from "@textower/weights";
import { createTextEncoder } from "textower";
import { vitB32Checkpoint } from "../checkpoint.mjs";

const paths = process.argv.slice(2);
for (const path of paths.length > 0 ? paths : [vitB32Checkpoint()]) {
  const file = await open(path);
  const { size } = await file.stat();
  let sent = 0;
  let requests = 0;
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
  const url = `http://127.0.0.1:${server.address().port}/model.safetensors`;

  const checkpoint = await openCheckpoint(path, { activation: "quick_gelu", config: null });
  const { vocabSize, width } = checkpoint.descriptor;
  const elements = [...checkpoint.tensors.values()].map((shape) => shape.reduce((a, b) => a * b, 1));
  const share = (vocabSize * width) / elements.reduce((a, b) => a + b);
  const needed = checkpoint.textBytes * (1 - share);
  await checkpoint.close();

  const begin = performance.now();
  const encoder = await createTextEncoder({ model: url, activation: "quick_gelu" });
  await encoder.encode("a photo of a cat");
  const seconds = (performance.now() - begin) / 1000;
  await encoder.dispose();
  server.close();
  await file.close();
  const megabytes = (bytes) => (bytes / 1e6).toFixed(2);
  console.log(
    `${path} (${megabytes(size)} MB): first vector after ${megabytes(sent)} MB in ${requests} requests, ` +
      `${seconds.toFixed(2)} s; without the token table the tower has ${megabytes(needed)} MB ` +
      `(${((sent / needed - 1) * 100).toFixed(2)} % more)`,
  );
}
