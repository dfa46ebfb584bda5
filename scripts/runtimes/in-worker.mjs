/** A dedicated worker of a page: it is told a configuration, runs the suite on it, and posts the outcome. */
import { runCases } from "./cases.mjs";

globalThis.addEventListener("message", ({ data }) => {
  runCases(data).then(
    (outcome) => globalThis.postMessage(outcome),
    (error) => globalThis.postMessage({ error: String(error) }),
  );
});
