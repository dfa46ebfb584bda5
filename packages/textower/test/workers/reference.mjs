/** A worker of a user's own: its backend is slow and exact, and it has messages of its own. */
import { parentPort } from "node:worker_threads";
import { reference } from "@textower/backend-reference";
import { serveTextEncoder } from "textower/worker";

serveTextEncoder(parentPort, { backends: [reference()] });
parentPort.on("message", (message) => {
  if (message === "ping") parentPort.postMessage("pong");
  if (message === "throw") throw new Error("thrown in the worker");
  if (message === "exit") process.exit(3);
});
