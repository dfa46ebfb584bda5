/** A worker of a user's own, with a backend of its own and messages of its own. */
import { reference } from "../../../packages/backend-reference/dist/index.js";
import { serveTextEncoder } from "../../../packages/textower/dist/worker/index.js";

serveTextEncoder(globalThis, { backends: [reference()] });
globalThis.addEventListener("message", ({ data }) => {
  if (data === "throw") throw new Error("thrown in the worker");
});
