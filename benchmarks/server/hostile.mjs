/**
 * `textower serve` among bad clients: malformed requests of two hundred kinds, bodies that come a byte at a time, answers
 * that nobody reads, connections closed by half. Beside them a good client, whose answers have to stay right; and the
 * memory of the process.
 *
 * `node server/hostile.mjs [--seconds 60]`
 */
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { BODY_LIMIT, malformedRequests } from "../../packages/server/test/malformed-requests.mjs";
import { metricsOf, startServer } from "./command.mjs";

const { values: options } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });
const seconds = Number(options.seconds);
const kinds = malformedRequests();
const server = await startServer([
  "--model",
  "shapes",
  "--name",
  "served",
  "--body-limit",
  String(BODY_LIMIT),
]);
const { port } = server;
const GOOD = JSON.stringify({ model: "served", input: ["a red circle", "a blue star"] });
const expected = (await post({ "content-type": "application/json" }, GOOD)).body;

const counts = { malformed: 0, wrong: 0, slow: 0, unread: 0, halfClosed: 0, good: 0, goodWrong: 0 };
/** Resident, and on the heap, after each twelfth of the time. */
const memory = [];
const begin = performance.now();
const running = () => performance.now() - begin < seconds * 1000;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

await Promise.all([
  ...Array.from({ length: 8 }, (_, i) => malformed(i)),
  ...Array.from({ length: 50 }, slowBody),
  ...Array.from({ length: 4 }, doesNotRead),
  ...Array.from({ length: 4 }, halfCloses),
  good(),
  watch(),
]);
agent.destroy();
await server.stop();
console.log(counts);
for (const [i, name] of ["resident memory", "heap in use"].entries()) {
  console.log(`${name}, MB: ${memory.map((each) => Math.round(each[i] / 1e6)).join(", ")}`);
}
if (counts.wrong + counts.goodWrong > 0) process.exitCode = 1;

async function malformed(begin) {
  for (let i = begin; running(); i += 8) {
    const { contentType, headers, body, status, name } = kinds[i % kinds.length];
    const type = contentType === undefined ? {} : { "content-type": contentType };
    const answer = await post({ ...type, ...headers }, body, agent);
    counts.malformed++;
    if (answer.status === status) continue;
    counts.wrong++;
    console.error(`${name}: expected ${status}, got ${answer.status}`);
  }
}

/** Until it is cut off. */
async function slowBody() {
  while (running()) {
    const socket = open();
    socket.write(head(1000));
    while (running() && !socket.destroyed) {
      socket.write(" ");
      await sleep(500);
    }
    socket.destroy();
    counts.slow++;
  }
}

async function doesNotRead() {
  const body = JSON.stringify({ model: "served", input: Array.from({ length: 2000 }, () => "a") });
  while (running()) {
    const socket = open();
    socket.pause();
    socket.write(`${head(body.length)}${body}`);
    await sleep(5000);
    socket.destroy();
    counts.unread++;
  }
}

async function halfCloses() {
  const whole = `${head(GOOD.length)}${GOOD}`;
  for (let i = 1; running(); i++) {
    const socket = open();
    socket.end(whole.slice(0, (i * 7) % (whole.length + 1)));
    await new Promise((resolve) => socket.once("close", resolve));
    counts.halfClosed++;
  }
}

async function good() {
  while (running()) {
    const { status, body } = await post({ "content-type": "application/json" }, GOOD);
    counts.good++;
    if (status !== 200 || body !== expected) counts.goodWrong++;
    await sleep(50);
  }
}

async function watch() {
  while (running()) {
    const metrics = await metricsOf(port);
    memory.push([metrics.process_resident_memory_bytes, metrics.nodejs_heap_size_used_bytes]);
    await sleep((seconds * 1000) / 12);
  }
}

function head(length) {
  return `POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
}

function open() {
  return connect({ port, host: "127.0.0.1" })
    .on("error", () => undefined)
    .on("data", () => undefined);
}

function post(headers, body, agent) {
  return new Promise((resolve, reject) => {
    const call = httpRequest(
      {
        port,
        host: "127.0.0.1",
        path: "/v1/embeddings",
        method: "POST",
        headers: { ...headers, "content-length": Buffer.byteLength(body) },
        ...(agent === undefined ? {} : { agent }),
      },
      (response) => {
        let text = "";
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode, body: text }));
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}
